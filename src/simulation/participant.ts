import type { Handler } from '../delivery/handler.ts'
import { type MemoryTransaction, memoryDatabase } from '../drivers/memory/database.ts'
import { memorySession } from '../drivers/memory/session.ts'
import { memoryStepFence } from '../drivers/memory/step-fence.ts'
import { memoryUnitOfWork } from '../drivers/memory/unit-of-work.ts'
import type { CommandType } from '../message/command.ts'
import type { OutgoingMessage, StoredMessage } from '../message/message.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import { answer, Refused } from '../saga/answer.ts'

export interface ParticipantOptions {
  /** What is done can be taken back. (Default: true.) */
  readonly canUndo?: boolean
  /** How long it takes to do it. (Default: 0.) */
  readonly takesMs?: number
  /** How often it fails before it succeeds. (Default: 0.) */
  readonly failures?: number
  /** How often taking it back fails before it succeeds. (Default: 0.) */
  readonly undoFailures?: number
  /** How many of its answers to requests are lost on their way. (Default: 0.) */
  readonly lostReplies?: number
}

/** Who is asked in a rehearsal, as scripted. */
export interface Participant {
  readonly type: string
  readonly takesMs: number
  readonly lostReplies: number
  /** Opens it with an empty database, and the fence that it has in production. */
  readonly open: (clock: Clock) => OpenParticipant
}

export interface OpenParticipant {
  /** Of the messages that it takes. */
  readonly types: readonly string[]
  /** Takes a message in a transaction, and returns what it says. Throws what a handler threw: then it is to be tried again. */
  take(message: StoredMessage): Promise<readonly OutgoingMessage[]>
  /** How often each step has effect now: 1 when it was done and not taken back. */
  effects(): ReadonlyMap<string, number>
}

interface Effect {
  readonly step: string
  readonly by: number
}

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** `does(ReserveRoom, ({ nights }) => ({ room: 7 }))`: who answers a command, and how. To say no, it returns `refuse('no-room')`. */
export function does<Input, Data, ReplyInput, Result, Refusal extends string>(
  command: CommandType<Input, Data, ReplyInput, Result, Refusal>,
  reply: (data: Data) => ReplyInput | Refused<Refusal>,
  { canUndo = true, takesMs = 0, failures = 0, undoFailures = 0, lostReplies = 0 }: ParticipantOptions = {},
): Participant {
  const open = (clock: Clock): OpenParticipant => {
    const database = memoryDatabase(clock)
    const session = memorySession(database)
    const unitOfWork = memoryUnitOfWork(session)
    const left = { failures, undoFailures }
    const handlers: readonly Handler<MemoryTransaction>[] = answer(
      memoryStepFence(session),
      command,
      async ({ data, step }, { tx }) => {
        if (left.failures-- > 0) throw new Error('It fails, as scripted.')
        const given = reply(data)
        if (!(given instanceof Refused)) tx.insert('effect', { step, by: 1 } satisfies Effect)
        return given
      },
      canUndo
        ? {
            async undo({ step }, { tx }) {
              if (left.undoFailures-- > 0) throw new Error('It cannot be taken back yet, as scripted.')
              tx.insert('effect', { step, by: -1 } satisfies Effect)
            },
          }
        : {},
    )
    return {
      types: handlers.map(({ type }) => type),
      take(message) {
        const said: OutgoingMessage[] = []
        const context = { log: silent, signal: new AbortController().signal }
        const publish = (...messages: readonly OutgoingMessage[]): void => void said.push(...messages)
        const handler = handlers.find(({ type }) => type === message.type)
        return unitOfWork.run(async (tx) => {
          await handler?.run([message], { ...context, tx, publish })
          return said
        })
      },
      effects() {
        const sums = new Map<string, number>()
        for (const { step, by } of database.rows('effect') as readonly Effect[])
          sums.set(step, (sums.get(step) ?? 0) + by)
        return sums
      },
    }
  }
  return { type: command.type, takesMs, lostReplies, open }
}
