import { EstafetError, isEstafetError } from '../message/errors.ts'
import type { Delivery } from '../message/message.ts'
import type { Fetched } from '../ports/feed.ts'
import type { Lane } from '../ports/lane-store.ts'
import { type DeliverParts, deliverOnce } from './deliver.ts'
import { plan, singles } from './plan.ts'

export interface BatchOutcome {
  /** The lane as saved: how far the batch got. */
  readonly lane: Lane
  /** Messages whose transaction committed. */
  readonly applied: number
  readonly duplicates: number
  /** Why the rest of the batch waits; null when there is no rest. */
  readonly failure: { readonly error: unknown; readonly delivery: Delivery } | null
}

/**
 * Handles one batch in one transaction; when that fails, again in one transaction per message, up to the message at
 * fault.
 *
 * Throws FENCED and UNAVAILABLE: then it is not the messages' fault, and how far the batch got is known to the store
 * alone.
 */
export async function handleBatch<Tx>(
  parts: DeliverParts<Tx>,
  lane: Lane,
  fetched: Fetched,
  signal: AbortSignal,
): Promise<BatchOutcome> {
  const whole = await attempt(parts, lane, fetched, signal)
  if (whole.failure === null || whole.failure.isGap || fetched.deliveries.length === 1) return whole
  let outcome: BatchOutcome = { lane, applied: 0, duplicates: 0, failure: null }
  for (const single of singles(fetched)) {
    const next = await attempt(parts, outcome.lane, single, signal)
    outcome = {
      lane: next.lane,
      applied: outcome.applied + next.applied,
      duplicates: outcome.duplicates + next.duplicates,
      failure: next.failure,
    }
    if (next.failure !== null) return outcome
  }
  return outcome
}

interface Attempt extends BatchOutcome {
  readonly failure: { readonly error: unknown; readonly delivery: Delivery; readonly isGap: boolean } | null
}

async function attempt<Tx>(
  parts: DeliverParts<Tx>,
  lane: Lane,
  fetched: Fetched,
  signal: AbortSignal,
): Promise<Attempt> {
  const planned = plan(lane, fetched)
  const gap = planned.gap === null ? null : { error: gapError(planned.gap), delivery: planned.gap, isGap: true }
  // Nothing but a gap at the head: there is nothing to save.
  if (gap !== null && planned.progress.cursor === lane.cursor) {
    return { lane, applied: 0, duplicates: planned.duplicates, failure: gap }
  }
  try {
    const saved = await deliverOnce(parts, lane, planned, signal)
    return { lane: saved, applied: planned.fresh.length, duplicates: planned.duplicates, failure: gap }
  } catch (error) {
    const [first] = planned.fresh
    if (first === undefined || isEstafetError(error, 'FENCED') || isEstafetError(error, 'UNAVAILABLE')) throw error
    return { lane, applied: 0, duplicates: 0, failure: { error, delivery: first, isGap: false } }
  }
}

function gapError({ message, previous }: Delivery): EstafetError {
  return new EstafetError(
    'GAP',
    `Messages are missing before position ${message.position} of ${message.source} in topic ${message.topic}: it follows ${previous}, which never came. They were lost between the log and here.`,
    { details: { source: message.source, topic: message.topic, position: message.position.toString() } },
  )
}
