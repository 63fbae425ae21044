import type { EventType } from '../message/event.ts'
import type { OpenSaga, StepKind } from '../ports/sagas.ts'
import { answerOf, refuseUnused } from './ask.ts'
import { happened, refuseUnawaited, takeEvent } from './happened.ts'
import { type Journal, type JournalStep, type KeptRequest, refuseName } from './journal.ts'
import { Compensate, encoded, type SagaDefinition } from './saga.ts'
import type { StepContext, Steps, WaitForOptions } from './steps.ts'

/** How a play of a saga's function ended. */
export type Ending =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'compensate'; readonly reason: string }
  /** It waits for steps. */
  | { readonly kind: 'blocked' }

export interface PlayParts<Tx> {
  readonly definition: SagaDefinition<Tx>
  readonly saga: OpenSaga
  readonly journal: Journal
  readonly context: StepContext<Tx>
  /** Sends a command of a step: to do it, or to take it back. */
  readonly send: (step: JournalStep, kind: 'request' | 'cancel') => void
  /** Resolves after all that can go on at once has gone on. */
  readonly settle: () => Promise<void>
}

/** How local work that was done is taken back. */
export type Undo = () => Promise<void>

export interface Play {
  readonly ending: Ending
  /** By name of step, for those that the function came by. */
  readonly undos: ReadonlyMap<string, Undo>
}

/**
 * Runs the function of a saga as far as it goes: what its journal knows is what it was, what it does not know is begun, and the rest
 * waits. Of one that is being taken back nothing is begun: it is played for its undos.
 *
 * Throws what local work threw, once all other work has ended, or what the function threw, which is a fault of the program.
 */
export async function play<Tx>(parts: PlayParts<Tx>): Promise<Play> {
  const { definition, saga, settle } = parts
  const working = new Set<Promise<void>>()
  const undos = new Map<string, Undo>()
  const failed: { readonly error: unknown }[] = []
  let isOver = false
  let ended: { readonly value: unknown } | { readonly error: unknown } | null = null
  const work = (doing: () => Promise<void>): void => {
    // The turn is lost: what more is done in it is rolled back.
    if (failed.length > 0) return
    const running: Promise<void> = doing()
      .catch((error: unknown) => void failed.push({ error }))
      .finally(() => working.delete(running))
    working.add(running)
  }
  const steps = stepsOf({ ...parts, work, undos, isOver: () => isOver })
  definition.run(steps, saga.input).then(
    (value) => {
      ended = { value }
    },
    (error: unknown) => {
      ended = { error }
    },
  )
  try {
    do {
      await settle()
      // One at a time may end: what follows from it may begin more.
      if (working.size > 0) await Promise.race(working)
    } while (working.size > 0 || (await isStirring()))
    return { ending: endingOf(), undos }
  } finally {
    isOver = true
  }

  /** After the last work has ended, what follows from it runs once more. */
  async function isStirring(): Promise<boolean> {
    await settle()
    return working.size > 0
  }

  function endingOf(): Ending {
    const [first] = failed
    if (first !== undefined) throw first.error
    if (ended === null) return { kind: 'blocked' }
    if ('error' in ended) throw ended.error
    if (ended.value instanceof Compensate) return { kind: 'compensate', reason: ended.value.reason }
    return { kind: 'returned', value: ended.value }
  }
}

interface StepParts<Tx> extends PlayParts<Tx> {
  readonly work: (doing: () => Promise<void>) => void
  readonly undos: Map<string, Undo>
  readonly isOver: () => boolean
}

/** What never comes: the function is thrown away with it at the end of its turn. */
function never<Value>(): Promise<Value> {
  return new Promise(() => {})
}

function stepsOf<Tx>(parts: StepParts<Tx>): Steps<Tx> {
  const { saga, journal, context, definition, undos } = parts
  const used = new Set<string>()

  /** The step if it has begun, `begun` if this play may begin it, null when it may not. */
  function come(name: string, kind: StepKind): { readonly known: JournalStep | undefined; readonly mayBegin: boolean } {
    const known = journal.get(name)
    refuseName(name, kind, known, used.has(name))
    used.add(name)
    return { known, mayBegin: known === undefined && saga.status === 'running' && !parts.isOver() }
  }

  return {
    id: saga.id,
    correlationId: saga.correlationId,

    async run(name, work, { undo, isPivot = false } = {}) {
      const { known, mayBegin } = come(name, 'run')
      const remember = (value: string): void => {
        if (undo !== undefined) undos.set(name, () => undo(JSON.parse(value), context))
      }
      if (known !== undefined) {
        if (known.value === null) return never()
        remember(known.value)
        return JSON.parse(known.value)
      }
      if (!mayBegin) return never()
      // In its place before the work ends: works begin in this order, and are taken back the other way round.
      journal.begin({ name, kind: 'run', hasUndo: undo !== undefined, isPivot }, null)
      return new Promise((resolve) => {
        parts.work(async () => {
          const value = encoded(await work(context))
          journal.change(name, { state: 'done', value }, null)
          remember(value)
          resolve(JSON.parse(value))
        })
      })
    },

    async request(name, command, data, { timeoutMs = 60_000, hasUndo = true, isPivot = false } = {}) {
      refuseUnused(definition, command)
      const { known, mayBegin } = come(name, 'request')
      if (known?.value != null) return answerOf(command, known.value)
      if (!mayBegin) return never()
      const request: KeptRequest = { type: command.type, data, timeoutMs }
      const step = { name, kind: 'request', request: encoded(request), hasUndo, isPivot } as const
      parts.send(journal.begin(step, timeoutMs), 'request')
      return never()
    },

    async sleep(name, until) {
      const { known, mayBegin } = come(name, 'sleep')
      if (known?.value != null) return
      if (mayBegin) journal.begin({ name, kind: 'sleep' }, until)
      return never()
    },

    async waitFor<Data>(name: string, event: EventType<never, Data>, options: WaitForOptions<Data>) {
      const { timeoutMs, where = () => true } = options
      refuseUnawaited(definition, event)
      const { known, mayBegin } = come(name, 'wait')
      if (known?.value != null) return happened(event, known.value)
      if (saga.status !== 'running' || parts.isOver()) return never()
      const request = encoded({ type: event.type })
      if (mayBegin) journal.begin({ name, kind: 'wait', request }, timeoutMs)
      const value = takeEvent(journal, event, where)
      if (value === null) return never()
      journal.change(name, { state: 'done', value }, null)
      return happened(event, value)
    },
  }
}
