import { errorName } from '../delivery/failure.ts'
import type { Feed } from '../ports/feed.ts'
import type { LaneState } from '../ports/subscription-control.ts'
import type { RouteHandler } from './call.ts'

/** Unread messages that are counted one by one; of more, an upper bound is told. */
const countedAtMost = 50

interface LaneLag {
  readonly lane: number
  readonly cursor: bigint
  readonly messages: number
  /** False: at most so many, because positions of other lanes and dead ones are among them. */
  readonly isExact: boolean
  readonly oldestUnreadAt: string | null
  readonly seconds: number
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
    const lags = await Promise.all(lanes.map((lane) => laneLag(feed, lane, ends, now)))
    const unread = lags.flatMap(({ oldestUnreadAt }) => oldestUnreadAt ?? []).toSorted()
    return {
      feed: feed.name,
      lag: lags.reduce((sum, { messages }) => sum + messages, 0),
      isExact: lags.every(({ isExact }) => isExact),
      seconds: Math.max(0, ...lags.map(({ seconds }) => seconds)),
      oldestUnreadAt: unread[0] ?? null,
      lanes: lags,
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

async function laneLag(
  feed: Feed,
  { lane, cursor }: LaneState,
  ends: readonly bigint[] | null,
  now: number,
): Promise<LaneLag> {
  // From a cursor that was saved: what comes after it may be fetched by anybody.
  const { deliveries, hasMore } = await feed.fetch(lane, cursor, countedAtMost)
  const [oldest] = deliveries
  const beyond = oldest === undefined ? 0n : (ends?.[lane] ?? 0n) - oldest.cursor + 1n
  const oldestUnreadAt = oldest?.message.time ?? null
  return {
    ...{ lane, cursor, oldestUnreadAt, isExact: !hasMore },
    messages: hasMore ? Math.max(deliveries.length, Number(beyond)) : deliveries.length,
    seconds: oldestUnreadAt === null ? 0 : Math.max(0, (now - Date.parse(oldestUnreadAt)) / 1000),
  }
}
