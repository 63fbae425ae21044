import type { Handler } from '../delivery/handler.ts'
import { type CompleteRule, completeRules, ruleFor, saysNever } from '../delivery/retry-policy.ts'
import { EstafetError, isEstafetError } from '../message/errors.ts'
import type { OutgoingMessage } from '../message/message.ts'
import type { Failure } from '../ports/parking.ts'
import type { Attempt, ParkedKey, Retries } from '../ports/retries.ts'
import { allSettled } from './deliver.ts'
import { type BatchParts, failureOf, isNobodysFault } from './handle-batch.ts'
import { runHandlers } from './run-handlers.ts'

export interface RetryParts<Tx> extends BatchParts<Tx> {
  readonly retries: Retries<Tx>
  /** For how long a begun attempt keeps others from beginning one: longer than a handler may take. */
  readonly heldMs: number
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
  let at = handlers[0]
  try {
    refuseHopeless(attempt, handlers.length > 0)
    let write: (tx: Tx) => Promise<unknown> = () => Promise.resolve()
    await parts.unitOfWork.run(
      async (tx) => {
        const outgoing: OutgoingMessage[] = []
        const enter = (handler: Handler<Tx>): void => {
          at = handler
        }
        await runHandlers({ ...parts, tx, signal, outgoing, enter }, [attempt.message])
        write = parts.prepare(outgoing)
      },
      (tx) => allSettled(write(tx), parts.retries.applied(tx, attempt)),
    )
    parts.breaker.note(parked.key, false)
    return { kind: 'applied' }
  } catch (error) {
    if (isEstafetError(error, 'FENCED')) return { kind: 'gone' }
    const failure = judge(parts, attempt, error, at ?? { name: attempt.message.type, rules: withoutHandler }, signal)
    return saved(parts, attempt, failure, error)
  }
}

const withoutHandler: readonly CompleteRule[] = completeRules([], 'block')

function refuseHopeless({ crashes }: Attempt, isHandled: boolean): void {
  if (!isHandled) throw new EstafetError('REJECTED', 'No handler of this service takes messages of this type any more.')
  if (crashes >= maxCrashes) {
    throw new EstafetError('CRASHED', `The process ended ${crashes} times in a row while this message was handled.`)
  }
}

function judge<Tx>(
  parts: RetryParts<Tx>,
  attempt: Attempt,
  error: unknown,
  handler: { readonly name: string; readonly rules: readonly CompleteRule[] },
  signal: AbortSignal,
): Failure {
  const { message, tries, isRedriven } = attempt
  const rule = ruleFor(handler.rules, error)
  const of = { error, handler, message, rule, tries: 1 }
  // Told to stop, or without its database, it failed for no reason of its own: due again at once.
  if (signal.aborted || isNobodysFault(error)) {
    return { ...failureOf(parts, { ...of, delayedTries: 0 }), next: { kind: 'retry', afterMs: 0 } }
  }
  if (!saysNever(error)) parts.breaker.note(message.key, true)
  const isHopeless = isRedriven || isEstafetError(error, 'CRASHED')
  if (isHopeless) return failureOf(parts, { ...of, delayedTries: rule.delayed })
  if (parts.breaker.isOpen && !saysNever(error)) return failureOf(parts, { ...of, delayedTries: 0 })
  return failureOf(parts, { ...of, delayedTries: tries })
}

/** Saves the end of an attempt; else the next one would take it for a crash. */
async function saved<Tx>(
  parts: RetryParts<Tx>,
  attempt: Attempt,
  failure: Failure,
  error: unknown,
): Promise<RetryOutcome> {
  const save = (): Promise<void> => parts.retries.failed(attempt, failure)
  try {
    await save()
    return { kind: 'failed', error }
  } catch {
    return { kind: 'unsaved', error, save }
  }
}
