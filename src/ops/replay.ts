import { EstafetError, isEstafetError } from '../message/errors.ts'
import type { Delivery } from '../message/message.ts'
import type { Feed } from '../ports/feed.ts'
import type { Replays } from '../ports/replays.ts'
import type { LaneState } from '../ports/subscription-control.ts'
import type { Call, RouteHandler } from './call.ts'
import { decisionOf, refuseUndone } from './deciding.ts'
import { Refusal } from './refusal.ts'

/** Messages that are counted before it is said that there are more. */
const countedAtMost = 200_000
const pageSize = 200

export const replayPreview: RouteHandler = async (call) => planOf(call)

export const replay: RouteHandler = async (call) => {
  const { params, running, operations } = call
  const { feed, epoch, starts, reached, count } = await planOf(call)
  const expected = params.count('expect') ?? 0
  const asked = { feed, to: params.number('to')?.toString(), time: params.text('time') ?? undefined }
  const wanted = { feed, epoch, starts, reached, count, expected, selection: JSON.stringify(asked) }
  const decided = await operations.replays.replay(running.subscription, wanted, decisionOf(call))
  refuseUndone(decided, 'messages')
  return decided
}

interface Plan {
  readonly feed: string
  readonly epoch: string
  /** By lane: where it would begin, and how far it was. */
  readonly starts: readonly bigint[]
  readonly reached: readonly bigint[]
  /** Messages between the two: they would be delivered again. */
  readonly count: number
  /** Of these, the ones that took effect. */
  readonly applied: number
  /** False: there are more than were counted. */
  readonly isExact: boolean
}

async function planOf(call: Call): Promise<Plan> {
  const { params, running, operations } = call
  const [to, time] = [params.number('to'), params.text('time')]
  if ((to === null) === (time === null)) {
    throw new Refusal('INVALID_REQUEST', 'Say from where: by a cursor in to, or by a time.')
  }
  const feed = running.feeds.find(({ name }) => name === params.text('feed'))
  const { lanes } = await operations.control.state(running.subscription)
  const { epoch } = (await feed?.open()) ?? { epoch: '' }
  const own = lanes.filter((lane) => lane.feed === feed?.name && lane.epoch === epoch)
  if (feed === undefined || own.length === 0) throw new Refusal('NOT_FOUND', 'The service reads no such feed.')
  if (to !== null) refuseAmbiguous(feed, own.length, to)
  const reached = reachedOf(params.numbers('reached'), own)
  const starts = await Promise.all(own.map((lane) => startOf(feed, lane, to, time)))
  const replays = operations.replays
  const counted = { count: 0, unapplied: 0, isExact: true }
  for (const [at, lane] of own.entries()) {
    const upTo = lane.cursor < (reached[at] ?? 0n) ? lane.cursor : (reached[at] ?? 0n)
    await countLane({ feed, replays, subscription: running.subscription }, lane.lane, starts[at] ?? 0n, upTo, counted)
  }
  const { count, unapplied, isExact } = counted
  return { feed: feed.name, epoch, starts, reached, count, applied: count - unapplied, isExact }
}

function reachedOf(given: readonly bigint[] | null, lanes: readonly LaneState[]): readonly bigint[] {
  if (given === null) return lanes.map(({ cursor }) => cursor)
  if (given.length === lanes.length) return given
  throw new Refusal('INVALID_REQUEST', `The feed has ${lanes.length} lanes, and reached names ${given.length}.`)
}

/** Throws UNSUPPORTED for one number that would have to be a place in each of several partitions. */
function refuseAmbiguous(feed: Feed, lanes: number, to: bigint): void {
  // A log has one order of positions, whatever its lanes; a topic's cursors are offsets, and each partition has its own.
  if (to === 0n || lanes === 1 || !feed.name.startsWith('topic:')) return
  throw new EstafetError(
    'UNSUPPORTED',
    `One number is no place in the ${lanes} partitions of ${feed.name}: each has offsets of its own. Say 0 for all of it, or a time.`,
    { details: { feed: feed.name, lanes } },
  )
}

/**
 * Never beyond the lane's own cursor: a feed may only be asked from where something was saved, or before. Throws GAP when
 * what was removed from the feed may belong to what is asked for.
 */
async function startOf(
  feed: Feed,
  { lane, cursor }: LaneState,
  to: bigint | null,
  time: string | null,
): Promise<bigint> {
  if (to !== null) {
    const start = to < cursor ? to : cursor
    if (start < cursor) await refuseRemoved(feed, lane, start)
    return start
  }
  let [low, high] = [0n, cursor]
  let isAfterGap = false
  while (low < high) {
    const middle = (low + high) / 2n
    const next = await nextOf(feed, lane, middle)
    if (next === 'removed') {
      // Only the beginning of a feed is ever removed, so what is left comes later.
      low = middle + 1n
      isAfterGap = true
    } else if (next === null || next.cursor > cursor || Date.parse(next.message.time) >= Date.parse(time ?? '')) {
      high = middle
    } else {
      low = next.cursor
      isAfterGap = false
    }
  }
  if (isAfterGap) throw removedHistory(feed, lane, await nextOf(feed, lane, low))
  return low
}

/** The first message after a cursor, null when there is none yet. */
async function nextOf(feed: Feed, lane: number, after: bigint): Promise<Delivery | null | 'removed'> {
  try {
    const { deliveries } = await feed.fetch(lane, after, 1)
    return deliveries[0] ?? null
  } catch (error) {
    if (isEstafetError(error, 'GAP')) return 'removed'
    throw error
  }
}

/** Throws GAP when what came after a cursor is not all there any more. */
async function refuseRemoved(feed: Feed, lane: number, start: bigint): Promise<void> {
  const next = await nextOf(feed, lane, start)
  // A broker that gives the first that is left names, by its chain, what stood before.
  const isFirstLeft = start === 0n && next !== 'removed' && (next?.previous ?? 0n) > 0n
  if (next === 'removed' || isFirstLeft) throw removedHistory(feed, lane, next)
}

function removedHistory(feed: Feed, lane: number, left: Delivery | null | 'removed'): EstafetError {
  const end = left === null || left === 'removed' ? null : left.message.time
  return new EstafetError(
    'GAP',
    `What stood${end === null ? '' : ` before ${end}`} in lane ${lane} of ${feed.name} was removed, and belongs to what is to ` +
      `come again, or may. Say a time after ${end ?? 'that'}.`,
    { details: { feed: feed.name, lane } },
  )
}

async function countLane(
  of: { readonly feed: Feed; readonly replays: Replays; readonly subscription: string },
  lane: number,
  start: bigint,
  upTo: bigint,
  counted: { count: number; unapplied: number; isExact: boolean },
): Promise<void> {
  // A process that has just begun does not know yet how far it may read; a saved cursor tells it.
  if (start < upTo) await of.feed.fetch(lane, upTo, 1)
  for (let after = start; after < upTo; ) {
    if (counted.count >= countedAtMost) {
      counted.isExact = false
      return
    }
    const { deliveries, cursor } = await of.feed.fetch(lane, after, pageSize)
    const messages = deliveries.filter((each) => each.cursor <= upTo).map(({ message }) => message)
    counted.count += messages.length
    counted.unapplied += await of.replays.unapplied(of.subscription, of.feed.name, messages)
    if (cursor <= after) return
    after = cursor
  }
}
