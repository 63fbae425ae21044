import { errorName } from '../delivery/failure.ts'
import type { Feed } from '../ports/feed.ts'
import type { LaneState } from '../ports/subscription-control.ts'
import type { RouteHandler } from './call.ts'

/** Unread messages that are counted one by one; of more, an upper bound is told. */
const countedAtMost = 50

interface LaneLag {
  readonly lane: number
  readonly cursor: bigint
  /** Unread messages that were seen; the first ones, when there are more. */
  readonly messages: number
  readonly hasMore: boolean
  readonly oldestUnreadAt: string | null
  /** Cursor of the oldest unread message, or how far there is none. */
  readonly seenFrom: bigint
}

export const lag: RouteHandler = async ({ running, operations, clock }) => {
  const { lanes } = await operations.control.state(running.subscription)
  const items = await Promise.all(running.feeds.map((feed) => lagOf(feed, lanes, clock.now())))
  return { items, next: null }
}

async function lagOf(feed: Feed, all: readonly LaneState[], now: number): Promise<object> {
  try {
    const { epoch } = await feed.open()
    const lanes = all.filter((lane) => lane.feed === feed.name && lane.epoch === epoch)
    const ends = await endsOf(feed)
    const lags = await Promise.all(lanes.map((lane) => laneLag(feed, lane)))
    const unread = lags.flatMap(({ oldestUnreadAt }) => oldestUnreadAt ?? []).toSorted()
    const beyond = beyondSeen(feed, lags, ends)
    const messages = lags.reduce((sum, each) => sum + each.messages, 0) + Number(beyond)
    return {
      feed: feed.name,
      lag: messages,
      isExact: beyond === 0n && ends !== null && lags.every(({ hasMore }) => !hasMore),
      seconds: unread[0] === undefined ? (messages === 0 ? 0 : null) : secondsSince(unread[0], now),
      oldestUnreadAt: unread[0] ?? null,
      lanes: lags.map(({ seenFrom: _, ...each }) => each),
      error: null,
    }
  } catch (error) {
    // One source that cannot be reached must not hide the others.
    const unknown = { lag: null, isExact: false, seconds: null, oldestUnreadAt: null, lanes: [] }
    return { feed: feed.name, ...unknown, error: errorName(error) }
  }
}

/** Null while it is undecided: then how much there is beyond what is counted is not known. */
async function endsOf(feed: Feed): Promise<readonly bigint[] | null> {
  try {
    return await feed.ends()
  } catch {
    return null
  }
}

/**
 * How many messages there may be that were not counted. The lanes of a log share its positions, so what one lane has not
 * seen stands for all; a topic's partitions each have offsets of their own.
 */
function beyondSeen(feed: Feed, lags: readonly LaneLag[], ends: readonly bigint[] | null): bigint {
  const perLane = lags.map(({ lane, messages, hasMore, seenFrom }) => {
    const end = ends?.[lane] ?? seenFrom
    const counted = hasMore ? BigInt(messages) - 1n : 0n
    return end > seenFrom + counted ? end - seenFrom - counted : 0n
  })
  if (!feed.name.startsWith('log:')) return perLane.reduce((sum, each) => sum + each, 0n)
  return perLane.reduce((most, each) => (each > most ? each : most), 0n)
}

async function laneLag(feed: Feed, { lane, cursor }: LaneState): Promise<LaneLag> {
  // From a cursor that was saved: what comes after it may be fetched by anybody.
  const fetched = await feed.fetch(lane, cursor, countedAtMost)
  const [oldest] = fetched.deliveries
  const { hasMore } = fetched
  return {
    ...{ lane, cursor, hasMore, messages: fetched.deliveries.length, oldestUnreadAt: oldest?.message.time ?? null },
    seenFrom: hasMore && oldest !== undefined ? oldest.cursor : fetched.cursor,
  }
}

function secondsSince(time: string, now: number): number {
  return Math.max(0, (now - Date.parse(time)) / 1000)
}
