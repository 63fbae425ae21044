import type { Handler, HandlerContext } from '../delivery/handler.ts'
import { EstafetError } from '../message/errors.ts'
import type { OutgoingMessage, StoredMessage } from '../message/message.ts'
import { maySeal } from '../message/personal.ts'
import { opened, subjectsIn } from '../personal/open.ts'
import { erasedSubject } from '../personal/subject-erased.ts'
import type { Clock } from '../ports/clock.ts'
import { type Logger, withFields } from '../ports/logger.ts'
import type { HoldingVault } from '../ports/vault.ts'
import { causedBy } from './caused-by.ts'

/** What one transaction's handlers share. */
export interface HandlerRun<Tx> {
  readonly tx: Tx
  /** By event type, in the order in which they run. */
  readonly handlers: ReadonlyMap<string, readonly Handler<Tx>[]>
  /** Opens what is personal in messages, for the handlers alone: it is never stored. Null: it stays sealed. */
  readonly vault: HoldingVault<Tx> | null
  readonly clock: Clock
  readonly logger: Logger
  /** Aborts when the process stops or loses the lane. */
  readonly signal: AbortSignal
  /** Where what they publish is collected. */
  readonly outgoing: OutgoingMessage[]
  /** Told before each call, so that a failure can be laid at the right door. */
  readonly enter: (handler: Handler<Tx>, message: StoredMessage) => void
  /** Told what a handler threw. */
  readonly threw: (error: unknown) => void
}

/**
 * Runs the handlers of messages, in order. Throws what a handler threw, or TIMED_OUT when one took longer than it may:
 * that one may still be running, so the transaction's connection must not be used again.
 */
export async function runHandlers<Tx>(run: HandlerRun<Tx>, messages: readonly StoredMessage[]): Promise<void> {
  const stop = new AbortController()
  const pass = (): void => stop.abort()
  run.signal.addEventListener('abort', pass, { once: true })
  try {
    const readable = await readableOf(run, messages)
    for (const neighbours of neighboursOfKind(messages)) {
      for (const handler of takersOf(run.handlers, neighbours[0])) {
        const groups = handler.isSet ? [neighbours] : neighbours.map((message): Neighbours => [message])
        for (const group of groups) {
          run.signal.throwIfAborted()
          run.enter(handler, group[0])
          await callInTime(run, handler, group, readable, stop)
        }
      }
    }
  } finally {
    run.signal.removeEventListener('abort', pass)
  }
}

/**
 * By message, those that were opened. Who was erased meanwhile is removed by the handlers of that news after this transaction, or
 * before it and then nothing of him is opened: one of the two waits for the other.
 */
async function readableOf<Tx>(
  { vault, tx }: HandlerRun<Tx>,
  messages: readonly StoredMessage[],
): Promise<ReadonlyMap<StoredMessage, StoredMessage>> {
  const erasedNow = messages.flatMap((message) => erasedSubject(message) ?? [])
  if (erasedNow.length > 0) await vault?.hold?.(tx, [...new Set(erasedNow)].sort(), 'alone')
  if (!messages.some(({ payload }) => maySeal(payload))) return new Map()
  await vault?.hold?.(tx, subjectsIn(messages), 'shared')
  const all = await opened(vault, messages)
  return new Map(messages.map((message, at) => [message, all[at] ?? message]))
}

type Neighbours = readonly [StoredMessage, ...StoredMessage[]]

/**
 * The handlers of a message's type that read its version. When there are only others, all of them: they say that they cannot,
 * and a version that nobody knows is never skipped.
 */
function takersOf<Tx>(handlers: HandlerRun<Tx>['handlers'], { type, version }: StoredMessage): readonly Handler<Tx>[] {
  const all = handlers.get(type) ?? []
  const takers = all.filter(({ takes }) => takes(version))
  return takers.length === 0 ? all : takers
}

/** Neighbours of one type and version together: a set handler gets as many as it can without changing the order. */
function neighboursOfKind(messages: readonly StoredMessage[]): readonly Neighbours[] {
  const runs: [StoredMessage, ...StoredMessage[]][] = []
  for (const message of messages) {
    const last = runs.at(-1)
    if (last?.[0].type === message.type && last[0].version === message.version) last.push(message)
    else runs.push([message])
  }
  return runs
}

async function callInTime<Tx>(
  run: HandlerRun<Tx>,
  handler: Handler<Tx>,
  group: Neighbours,
  readable: ReadonlyMap<StoredMessage, StoredMessage>,
  stop: AbortController,
): Promise<void> {
  const taken = group.map((message) => readable.get(message) ?? message)
  try {
    await inTime(run.clock, handler, stop, handler.run(taken, contextOf(run, group[0], stop.signal)))
  } catch (error) {
    run.threw(error)
    throw error
  }
}

async function inTime<Tx>(
  clock: Clock,
  handler: Handler<Tx>,
  stop: AbortController,
  running: Promise<void>,
): Promise<void> {
  const settled = new AbortController()
  const late = clock.sleep(handler.timeoutMs, settled.signal).then(() => {
    if (settled.signal.aborted) return
    stop.abort()
    throw new EstafetError('TIMED_OUT', `The handler ${handler.name} took longer than ${handler.timeoutMs} ms.`, {
      details: { handler: handler.name, timeoutMs: handler.timeoutMs },
    })
  })
  try {
    await Promise.race([running, late])
  } finally {
    settled.abort()
    // Whichever comes second has nobody to tell.
    late.catch(() => {})
    running.catch(() => {})
  }
}

function contextOf<Tx>(run: HandlerRun<Tx>, cause: StoredMessage, signal: AbortSignal): HandlerContext<Tx> {
  return {
    tx: run.tx,
    signal,
    log: withFields(run.logger, {
      message_id: cause.id,
      type: cause.type,
      correlation_id: cause.correlationId,
    }),
    publish: (...published) => {
      run.outgoing.push(...published.map((message) => causedBy(cause, message)))
    },
  }
}
