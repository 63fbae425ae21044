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

/** Never beyond the lane's own cursor: a feed may only be asked from where something was saved, or before. */
async function startOf(
  feed: Feed,
  { lane, cursor }: LaneState,
  to: bigint | null,
  time: string | null,
): Promise<bigint> {
  if (to !== null) return to < cursor ? to : cursor
  let [low, high] = [0n, cursor]
  while (low < high) {
    const middle = (low + high) / 2n
    const { deliveries } = await feed.fetch(lane, middle, 1)
    const [next] = deliveries
    const isInTime =
      next === undefined || next.cursor > cursor || Date.parse(next.message.time) >= Date.parse(time ?? '')
    if (isInTime) high = middle
    else low = next.cursor
  }
  return low
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
