import { type BackOff, backOffMs } from '../delivery/back-off.ts'
import type { Handler } from '../delivery/handler.ts'
import { type CompleteRule, completeRules, isVerdict, ruleFor } from '../delivery/retry-policy.ts'
import { EstafetError, isEstafetError } from '../message/errors.ts'
import type { OutgoingMessage } from '../message/message.ts'
import type { Write } from '../ports/outbox.ts'
import type { Failure } from '../ports/parking.ts'
import type { Attempt, ParkedKey, Retries } from '../ports/retries.ts'
import { noticeOf } from './dead-letter-notice.ts'
import { allSettled } from './deliver.ts'
import { type BatchParts, failureOf, isNobodysFault } from './handle-batch.ts'
import { type HandlerRun, runHandlers } from './run-handlers.ts'

export interface RetryParts<Tx> extends BatchParts<Tx> {
  readonly retries: Retries<Tx>
  /** For how long a begun attempt keeps others from beginning one: longer than a handler may take. */
  readonly heldMs: number
  /** Runs what may end the process while nothing else of it is under way. */
  readonly alone: <Result>(work: () => Promise<Result>) => Promise<Result>
}

/** How an attempt at a parked key ended. */
export type RetryOutcome =
  | { readonly kind: 'applied' }
  /** It failed, and what happens next is saved. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** It was not due, or another process or a person came between: nothing happened. */
  | { readonly kind: 'gone' }
  /** It failed, or its end is unknown, and this could not be saved: `save` tries again, and must be called. */
  | { readonly kind: 'unsaved'; readonly error: unknown; readonly save: () => Promise<void> }

/** A message that ended so many processes in a row is given up. */
const maxCrashes = 3

/**
 * Tries the first message of a parked key once, as the normal path would: its effects, what it publishes and its leaving
 * the queue in one transaction.
 *
 * The attempt is counted before the handler starts. Stopped anywhere before the commit, the next attempt finds one that
 * ended without a word; stopped after it, the message is off its queue.
 */
export async function retryOnce<Tx>(
  parts: RetryParts<Tx>,
  parked: ParkedKey,
  signal: AbortSignal,
): Promise<RetryOutcome> {
  const attempt = await parts.retries.begin(parked, parts.by, parts.heldMs)
  if (attempt === null) return { kind: 'gone' }
  const handlers = parts.handlers.get(attempt.message.type) ?? []
  let at: Pick<Handler<Tx>, 'name' | 'rules'> = handlers[0] ?? { name: attempt.message.type, rules: withoutHandler }
  const thrown: unknown[] = []
  const during = {
    signal,
    enter: (handler: Handler<Tx>) => {
      at = handler
    },
    threw: (error: unknown) => void thrown.push(error),
  }
  try {
    refuseHopeless(attempt, handlers.length > 0)
    const run = (): Promise<void> => apply(parts, attempt, during)
    await (attempt.crashes > 0 ? parts.alone(run) : run())
    parts.breaker.note(parked.key, false)
    return { kind: 'applied' }
  } catch (error) {
    const isOurs = isNobodysFault(error) && !thrown.includes(error)
    if (isOurs && isEstafetError(error, 'FENCED')) return { kind: 'gone' }
    const failure = judge(parts, attempt, error, at, signal.aborted ? 'told to stop' : isOurs ? 'no database' : null)
    return saved(parts, attempt, failure, error)
  }
}

/** The effects of the attempt's message, what it publishes, and its leaving the queue, in one transaction. */
async function apply<Tx>(
  parts: RetryParts<Tx>,
  attempt: Attempt,
  during: Pick<HandlerRun<Tx>, 'signal' | 'enter' | 'threw'>,
): Promise<void> {
  let write: Write<Tx> = () => Promise.resolve()
  await parts.unitOfWork.run(
    async (tx) => {
      const outgoing: OutgoingMessage[] = []
      await runHandlers({ ...parts, tx, outgoing, ...during }, [attempt.message])
      write = await parts.prepare(outgoing)
    },
    (tx) => allSettled(write(tx), parts.retries.applied(tx, attempt)),
  )
}

const withoutHandler: readonly CompleteRule[] = completeRules([], 'block')

function refuseHopeless({ crashes }: Attempt, isHandled: boolean): void {
  if (!isHandled) throw new EstafetError('REJECTED', 'No handler of this service takes messages of this type any more.')
  if (crashes >= maxCrashes) {
    throw new EstafetError('CRASHED', `The process ended ${crashes} times in a row while this message was handled.`)
  }
}

/** Waits after what says nothing about the message: short at first, so that an outage's end is soon seen. */
const outage = { firstMs: 100, maxMs: 5_000 }

function judge<Tx>(
  parts: RetryParts<Tx>,
  attempt: Attempt,
  error: unknown,
  handler: Pick<Handler<Tx>, 'name' | 'rules'>,
  excuse: 'told to stop' | 'no database' | null,
): Failure {
  const { message, tries, isRedriven } = attempt
  const rule = ruleFor(handler.rules, error)
  const of = { error, handler, message, tries: 1 }
  const uncounted = (backOff: BackOff): Failure => {
    const afterMs = backOffMs(backOff, tries, parts.random.fraction())
    return {
      ...failureOf(parts, { ...of, rule: { ...rule, delayed: 1 }, delayedTries: 0 }),
      next: { kind: 'retry', afterMs, isCounted: false },
    }
  }
  if (excuse === 'told to stop') return uncounted({ firstMs: 0, maxMs: 0 })
  if (excuse === 'no database') return uncounted(outage)
  if (isEstafetError(error, 'CRASHED')) return failureOf(parts, { ...of, rule, delayedTries: rule.delayed })
  // What lost against another transaction is tried again, redriven or not: the message did nothing wrong.
  if (isRedriven && !isEstafetError(error, 'CONFLICT')) {
    return failureOf(parts, { ...of, rule, delayedTries: rule.delayed })
  }
  if (!isVerdict(rule)) {
    parts.breaker.note(message.key, true)
    if (parts.breaker.state !== 'closed') return uncounted(rule.backOff)
  }
  return failureOf(parts, { ...of, rule, delayedTries: tries })
}

/** Saves the end of an attempt; else the next one would take it for a crash. */
async function saved<Tx>(
  parts: RetryParts<Tx>,
  attempt: Attempt,
  failure: Failure,
  error: unknown,
): Promise<RetryOutcome> {
  const save = async (): Promise<void> => {
    const tell = await noticeOf(parts, attempt.message, failure)
    await (tell === null ? parts.retries.failed(attempt, failure) : bury(parts, attempt, failure, tell))
  }
  try {
    await save()
    return { kind: 'failed', error }
  } catch {
    return { kind: 'unsaved', error, save }
  }
}

/** Saves that the message is a dead letter together with what tells of it: both or neither. */
function bury<Tx>(
  parts: RetryParts<Tx>,
  attempt: Attempt,
  failure: Failure,
  tell: (tx: Tx) => Promise<unknown>,
): Promise<void> {
  return parts.unitOfWork.run(async (tx) => {
    if (await parts.retries.buried(tx, attempt, failure)) await tell(tx)
  })
}
