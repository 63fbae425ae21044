import type { Breaker } from '../delivery/breaker.ts'
import { errorFacts, errorName, errorPlace } from '../delivery/failure.ts'
import type { Handler } from '../delivery/handler.ts'
import { type CompleteRule, isVerdict, nextStep, ruleFor } from '../delivery/retry-policy.ts'
import { EstafetError, isEstafetError } from '../message/errors.ts'
import type { Delivery, StoredMessage } from '../message/message.ts'
import type { Fetched } from '../ports/feed.ts'
import type { Lane } from '../ports/lane-store.ts'
import type { Failure } from '../ports/parking.ts'
import type { Random } from '../ports/random.ts'
import type { Attempter } from '../ports/retries.ts'
import { type NoticeParts, noticeOf } from './dead-letter-notice.ts'
import { allSettled, type DeliverParts, deliverOnce } from './deliver.ts'
import { type Plan, plan, singles } from './plan.ts'
import { sentAgain } from './sent-again.ts'

export interface BatchParts<Tx> extends DeliverParts<Tx>, NoticeParts<Tx> {
  readonly random: Random
  readonly breaker: Breaker
  readonly by: Attempter
}

export interface BatchOutcome {
  /** The lane as saved: how far the batch got. */
  readonly lane: Lane
  /** Messages whose transaction committed with their effects. */
  readonly applied: number
  readonly duplicates: number
  /** Messages put into the queues of their keys: those that failed, and those behind them. */
  readonly parked: number
  /** Why the rest of the batch waits in its place; null when there is no rest. */
  readonly failure: { readonly error: unknown; readonly delivery: Delivery } | null
}

/** After so many holders that went away in the middle of something, a lane's messages are tried one by one, counted. */
const carefulAfter = 2

/**
 * Handles one batch in one transaction; when that fails, again in one transaction per message, and parks the messages at
 * fault. Keys that get parked are added to `parked`, and those found free are taken out.
 *
 * What is left of it waits in its place when a dependency seems to be down (the breaker opened), or when the messages
 * before it are missing. Throws FENCED, UNAVAILABLE, and whatever was thrown once `signal` aborted: then it is not the
 * messages' fault, and how far the batch got is known to the store alone.
 */
export async function handleBatch<Tx>(
  parts: BatchParts<Tx>,
  lane: Lane,
  fetched: Fetched,
  parked: Set<string>,
  signal: AbortSignal,
): Promise<BatchOutcome> {
  if (lane.abandoned >= carefulAfter) return putAside(parts, lane, fetched, parked)
  if (fetched.deliveries.length > 1) {
    const whole = await attempt(parts, lane, fetched, parked, signal)
    if (whole.failed === null) {
      const [first] = fetched.deliveries
      if (first !== undefined && whole.outcome.applied > 0) parts.breaker.note(first.message.key, false)
      return whole.outcome
    }
  }
  let outcome: BatchOutcome = { lane, applied: 0, duplicates: 0, parked: 0, failure: null }
  for (const single of singles(fetched)) {
    const next = await handleSingle(parts, outcome.lane, single, parked, signal)
    outcome = {
      lane: next.lane,
      applied: outcome.applied + next.applied,
      duplicates: outcome.duplicates + next.duplicates,
      parked: outcome.parked + next.parked,
      failure: next.failure,
    }
    if (next.failure !== null) return outcome
    const { failed } = next
    if (failed !== null && parts.breaker.state === 'open') return { ...outcome, failure: failed }
  }
  return outcome
}

/** A message's own end, and why it was parked, if it was. */
interface SingleOutcome extends BatchOutcome {
  readonly failed: BatchOutcome['failure']
}

async function handleSingle<Tx>(
  parts: BatchParts<Tx>,
  lane: Lane,
  single: Fetched,
  parked: Set<string>,
  signal: AbortSignal,
): Promise<SingleOutcome> {
  for (let tries = 1; ; tries++) {
    const { failed, outcome, planned } = await attempt(parts, lane, single, parked, signal)
    const [delivery] = single.deliveries
    if (failed === null || delivery === undefined) {
      if (delivery !== undefined && outcome.applied > 0) parts.breaker.note(delivery.message.key, false)
      return { ...outcome, failed: null }
    }
    const { error, handler, message } = failed
    const rule = ruleFor(handler.rules, error)
    if (tries <= rule.immediate) continue
    if (!isVerdict(rule)) parts.breaker.note(message.key, true)
    const failure = failureOf(parts, { error, handler, message, rule, delayedTries: 0, tries })
    return { ...(await park(parts, lane, planned, message, failure, parked)), failed: { error, delivery } }
  }
}

async function park<Tx>(
  parts: BatchParts<Tx>,
  lane: Lane,
  planned: Plan,
  message: StoredMessage,
  failure: Failure,
  parked: Set<string>,
): Promise<BatchOutcome> {
  const tell = await noticeOf(parts, message, failure)
  let isAgain = false
  await parts.unitOfWork.run(
    async (tx) => {
      // The failed transaction had its id and gave it back: the same message may have taken effect in another lane since.
      isAgain = (await sentAgain(parts.inbox, tx, lane, planned.fresh)).has(message)
      if (!isAgain) await parts.parking.park(tx, lane, [{ message, failure }])
    },
    (tx) =>
      allSettled((isAgain ? null : tell)?.(tx) ?? Promise.resolve(), parts.lanes.save(tx, lane, planned.progress)),
  )
  if (isAgain) {
    const saved = { ...lane, ...planned.progress, abandoned: 0 }
    return { lane: saved, applied: 0, duplicates: planned.duplicates + 1, parked: 0, failure: null }
  }
  if (failure.next.kind === 'retry' || failure.next.blocks) parked.add(message.key)
  return {
    lane: { ...lane, ...planned.progress, abandoned: 0 },
    applied: 0,
    duplicates: planned.duplicates,
    parked: 1,
    failure: null,
  }
}

/** Of payloads, in one transaction that only puts aside: it must end well within a lease. */
const maxAside = 2_000_000

/** The first deliveries of a batch, as many as are put aside at once. */
function portionOf(fetched: Fetched): Fetched {
  let size = 0
  const deliveries = fetched.deliveries.filter(({ message }, at) => {
    size += message.payload.length
    return at === 0 || size <= maxAside
  })
  const last = deliveries.at(-1)
  if (deliveries.length === fetched.deliveries.length || last === undefined) return fetched
  return { deliveries, cursor: last.cursor, hasMore: true }
}

/** Queues a batch untried, in portions: one of its messages may be what ended the processes that had the lane before. */
async function putAside<Tx>(
  parts: BatchParts<Tx>,
  lane: Lane,
  fetched: Fetched,
  parked: Set<string>,
): Promise<BatchOutcome> {
  const portion = portionOf(fetched)
  const planned = plan(lane, portion)
  const messages = planned.fresh.map(({ message }) => message).filter(({ type }) => parts.handlers.has(type))
  parts.logger.warn('a lane was abandoned again and again; its next messages are tried one by one', {
    feed: lane.group.feed,
    lane: lane.index,
    messages: messages.length,
  })
  let again: ReadonlySet<StoredMessage> = new Set()
  await parts.unitOfWork.run(
    async (tx) => {
      again = await sentAgain(parts.inbox, tx, lane, planned.fresh)
    },
    (tx) =>
      allSettled(
        parts.parking.parkUntried(
          tx,
          lane,
          messages.filter((message) => !again.has(message)),
        ),
        parts.lanes.save(tx, lane, planned.progress),
      ),
  )
  for (const { key } of messages) parked.add(key)
  const { duplicates, gap, progress } = planned
  const failure = gap === null ? null : { error: gapError(gap), delivery: gap }
  return {
    // Until the batch that may have done it is through, the next portion is put aside, too.
    lane: { ...lane, ...progress, abandoned: portion === fetched ? 0 : lane.abandoned },
    ...{ applied: 0, duplicates: duplicates + again.size, parked: messages.length - again.size, failure },
  }
}

interface Attempted<Tx> {
  readonly planned: Plan
  readonly outcome: BatchOutcome
  /** Set when a handler failed; nothing of the attempt was written then. */
  readonly failed: { readonly error: unknown; readonly handler: Handler<Tx>; readonly message: StoredMessage } | null
}

async function attempt<Tx>(
  parts: BatchParts<Tx>,
  lane: Lane,
  fetched: Fetched,
  parked: Set<string>,
  signal: AbortSignal,
): Promise<Attempted<Tx>> {
  const planned = plan(lane, fetched)
  const gap = planned.gap === null ? null : { error: gapError(planned.gap), delivery: planned.gap }
  const nothing: BatchOutcome = { lane, applied: 0, duplicates: 0, parked: 0, failure: gap }
  // Nothing but a gap at the head: there is nothing to save.
  if (gap !== null && planned.progress.cursor === lane.cursor) {
    return { planned, failed: null, outcome: { ...nothing, duplicates: planned.duplicates } }
  }
  const entered: { readonly handler: Handler<Tx>; readonly message: StoredMessage }[] = []
  const thrown: unknown[] = []
  try {
    const done = await deliverOnce(parts, lane, planned, parked, {
      signal,
      enter: (handler, message) => void entered.push({ handler, message }),
      threw: (error) => void thrown.push(error),
    })
    for (const key of done.free) parked.delete(key)
    const outcome = { lane: done.lane, applied: done.applied, parked: done.parked, failure: gap }
    return { planned, failed: null, outcome: { ...outcome, duplicates: planned.duplicates + done.duplicates } }
  } catch (error) {
    const last = entered.at(-1)
    if (last === undefined || signal.aborted || (isNobodysFault(error) && !thrown.includes(error))) throw error
    return { planned, failed: { error, ...last }, outcome: { ...nothing, failure: null } }
  }
}

/** Tells errors that say nothing about the message, unless its handler threw them: the lane is lost, or its database. */
export function isNobodysFault(error: unknown): boolean {
  return isEstafetError(error, 'FENCED') || isEstafetError(error, 'UNAVAILABLE')
}

/** A failure as it is kept, with what happens next; and one line of the log about it. */
export function failureOf<Tx>(
  parts: Pick<BatchParts<Tx>, 'by' | 'logger' | 'random'>,
  of: {
    readonly error: unknown
    readonly handler: Pick<Handler<Tx>, 'name'>
    readonly message: StoredMessage
    readonly rule: CompleteRule
    readonly delayedTries: number
    readonly tries: number
  },
): Failure {
  const { error, handler, message, rule, delayedTries, tries } = of
  const next = nextStep(rule, delayedTries, parts.random.fraction())
  const fields = {
    ...{ message_id: message.id, type: message.type, correlation_id: message.correlationId, handler: handler.name },
    ...{ error: errorName(error), at: errorPlace(error) },
  }
  if (next.kind === 'retry') {
    parts.logger.warn('a message failed and its key is parked', { ...fields, wait_ms: Math.round(next.afterMs) })
  } else {
    parts.logger.error('a message is a dead letter', { ...fields, blocks: next.blocks })
  }
  return { ...errorFacts(error, message, handler.name), ...parts.by, handler: handler.name, tries, next }
}

function gapError({ message, previous }: Delivery): EstafetError {
  return new EstafetError(
    'GAP',
    `Messages are missing before position ${message.position} of ${message.source} in topic ${message.topic}: it follows ${previous}, which never came. They were lost between the log and here.`,
    { details: { source: message.source, topic: message.topic, position: message.position.toString() } },
  )
}
