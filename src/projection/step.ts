import { errorFacts } from '../delivery/failure.ts'
import type { Handler } from '../delivery/handler.ts'
import { type DeliverParts, deliverOnce } from '../inbox/deliver.ts'
import { isNobodysFault } from '../inbox/handle-batch.ts'
import { plan, singles } from '../inbox/plan.ts'
import { EstafetError } from '../message/errors.ts'
import type { StoredMessage } from '../message/message.ts'
import type { Fetched } from '../ports/feed.ts'
import type { Lane } from '../ports/lane-store.ts'
import type { Stop } from '../ports/projections.ts'

/** What became of a batch. */
export interface Projected<Tx> {
  /** As saved: how far the batch got. */
  readonly lane: Lane
  readonly applied: number
  readonly duplicates: number
  /** Why the rest waits in its place; null when there is no rest. */
  readonly failure: Poison<Tx> | null
}

export interface Poison<Tx> {
  readonly error: unknown
  /** Null for a gap: then no handler was asked. */
  readonly of: { readonly message: StoredMessage; readonly handler: Handler<Tx> } | null
}

/** After so many holders that went away in the middle of something, a lane's messages are folded one by one. */
export const carefulAfter = 2

const noKeys: ReadonlySet<string> = new Set()

/**
 * Folds one batch in one transaction with the lane's progress; when that fails, one by one up to the message at fault, and
 * stops before it. Nothing is ever put aside.
 *
 * Throws FENCED, UNAVAILABLE, and whatever was thrown once `signal` aborted: then how far it got is known to the store alone.
 */
export async function projectOnce<Tx>(
  parts: DeliverParts<Tx>,
  lane: Lane,
  fetched: Fetched,
  signal: AbortSignal,
): Promise<Projected<Tx>> {
  if (fetched.deliveries.length === 1) return attempt(parts, lane, fetched, signal)
  if (lane.abandoned < carefulAfter) {
    const whole = await attempt(parts, lane, fetched, signal)
    if (whole.failure?.of == null) return whole
  }
  let done: Projected<Tx> = { lane, applied: 0, duplicates: 0, failure: null }
  for (const single of singles(fetched)) {
    const next = await attempt(parts, done.lane, single, signal)
    const [applied, duplicates] = [done.applied + next.applied, done.duplicates + next.duplicates]
    done = { lane: next.lane, applied, duplicates, failure: next.failure }
    if (next.failure !== null) return done
  }
  return done
}

async function attempt<Tx>(
  parts: DeliverParts<Tx>,
  lane: Lane,
  fetched: Fetched,
  signal: AbortSignal,
): Promise<Projected<Tx>> {
  const planned = plan(lane, fetched)
  const failure = planned.gap === null ? null : { error: gapError(planned.gap.message), of: null }
  // Nothing but a gap at the head: there is nothing to save.
  if (failure !== null && planned.progress.cursor === lane.cursor) {
    return { lane, applied: 0, duplicates: planned.duplicates, failure }
  }
  const entered: { readonly handler: Handler<Tx>; readonly message: StoredMessage }[] = []
  const thrown: unknown[] = []
  try {
    const done = await deliverOnce(parts, lane, planned, noKeys, {
      signal,
      enter: (handler, message) => void entered.push({ handler, message }),
      threw: (error) => void thrown.push(error),
    })
    return { lane: done.lane, applied: done.applied, duplicates: planned.duplicates + done.duplicates, failure }
  } catch (error) {
    const of = entered.at(-1)
    if (of === undefined || signal.aborted || (isNobodysFault(error) && !thrown.includes(error))) throw error
    return { lane, applied: 0, duplicates: 0, failure: { error, of } }
  }
}

/** What people are shown of a message that cannot be folded. */
export function stopOf(
  lane: Lane,
  message: StoredMessage,
  error: unknown,
  handler: string,
): Omit<Stop, 'tries' | 'since'> {
  const { errorName, errorMessage } = errorFacts(error, message, handler)
  const { position, id, type } = message
  return { feed: lane.group.feed, lane: lane.index, position, messageId: id, type, errorName, errorMessage }
}

function gapError({ position, source, topic }: StoredMessage): EstafetError {
  return new EstafetError(
    'GAP',
    `Messages are missing before position ${position} of ${source} in topic ${topic}: they were lost between the log and here.`,
    { details: { source, topic, position: position.toString() } },
  )
}
