import type { LogFeedDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { logFeed } from '../../src/outbox/log-feed.ts'
import { memoryLogDriver, memoryLogFeedDriver } from './memory-driver.ts'

type Driver = LogFeedDriver<MemoryTransaction>
type Feed = ReturnType<Driver['feed']>
type Log = ReturnType<typeof memoryLogDriver>['log']

/** Readers of a log that each break one promise, by what is wrong with them. */
export const brokenLogFeeds: Readonly<Record<string, () => Driver>> = {
  'takes the highest position seen for safe': () => withLog(() => ({ writers: () => Promise.resolve([]) })),
  'has a writer without the lock of the log': () => memoryLogFeedDriver({ hasLogLock: false, hasKeyLock: true }),
  'never passes a gap': () => withLog(() => ({ writers: () => Promise.resolve(['somebody']) })),
  'waits for every open transaction': () => {
    const driver = memoryLogFeedDriver()
    let open = 0
    const begin: Driver['begin'] = async () => {
      const { commit, rollback, ...rest } = await driver.begin()
      open += 1
      const ended = async (end: () => Promise<void>) => {
        open -= 1
        await end()
      }
      return { ...rest, commit: () => ended(commit), rollback: () => ended(rollback) }
    }
    return {
      ...driver,
      begin,
      feed: () =>
        change(driver.feed(), (feed) => ({ fetch: (...of) => (open > 0 ? nothing(of[1]) : feed.fetch(...of)) })),
    }
  },
  'hands out what a savepoint has undone': () => {
    const driver = memoryLogFeedDriver()
    return { ...driver, begin: async () => ({ ...(await driver.begin()), undone: (work) => work() }) }
  },
  'gives every lane all messages': () =>
    withLog((log) => ({ read: (range) => log.read({ ...range, lane: { index: 0, count: 1 } }) })),
  'has one lane that is used': () =>
    withFeed((feed) => ({ fetch: (lane, after, limit) => (lane === 0 ? both(feed, after, limit) : nothing(after)) })),
  'swaps the messages of a key': () =>
    withFeed((feed) => ({
      fetch: async (...of) => {
        const fetched = await feed.fetch(...of)
        const [first, second] = fetched.deliveries
        if (first === undefined || second === undefined || first.message.key !== second.message.key) return fetched
        return { ...fetched, deliveries: [second, first, ...fetched.deliveries.slice(2)] }
      },
    })),
  'begins at 0 whatever the ends are': () => withFeed(() => ({ ends: () => Promise.resolve([0n, 0n]) })),
  'ends where the last commit is, whoever is still to commit': () => withEnd(({ lastCommitted }) => lastCommitted),
  'ends where the last position was drawn': () => withEnd(({ lastDrawn }) => lastDrawn),
  'never tells of news': () => withFeed((feed) => ({ advance: () => feed.advance().then(() => 'idle' as const) })),
  'does not tell a gap from silence': () =>
    withFeed((feed) => ({ advance: async () => ((await feed.advance()) === 'more' ? 'more' : 'idle') })),
  'ignores the limit': () => withFeed((feed) => ({ fetch: (lane, after) => feed.fetch(lane, after, 1000) })),
  'passes what the limit has cut off': () =>
    withFeed((feed) => ({
      fetch: async (lane, after, limit) => {
        const { cursor } = await feed.fetch(lane, after, 1000)
        return { ...(await feed.fetch(lane, after, limit)), cursor }
      },
    })),
  'goes back when there is nothing': () =>
    withFeed((feed) => ({
      fetch: async (...of) => {
        const fetched = await feed.fetch(...of)
        return fetched.deliveries.length === 0 ? { ...fetched, cursor: 0n } : fetched
      },
    })),
  'hands a message out only once': () => {
    const seen = new Set<string>()
    return withFeed((feed) => ({
      fetch: async (...of) => {
        const fetched = await feed.fetch(...of)
        const deliveries = fetched.deliveries.filter(({ message }) => !seen.has(message.id))
        for (const { message } of deliveries) seen.add(message.id)
        return { ...fetched, deliveries }
      },
    }))
  },
}

function withLog(patch: (log: Log) => Partial<Log>): Driver {
  const { log, ...driver } = memoryLogDriver()
  return { ...driver, feed: () => logFeed({ ...log, ...patch(log) }, { lanes: 2 }) }
}

function withEnd(end: (state: Awaited<ReturnType<Log['inspect']>>) => bigint): Driver {
  const { log, ...driver } = memoryLogDriver()
  return {
    ...driver,
    feed: () => ({
      ...logFeed(log, { lanes: 2 }),
      ends: async () => {
        const at = end(await log.inspect())
        return [at, at]
      },
    }),
  }
}

function withFeed(patch: (feed: Feed) => Partial<Feed>): Driver {
  const driver = memoryLogFeedDriver()
  return { ...driver, feed: () => change(driver.feed(), patch) }
}

function change(feed: Feed, patch: (feed: Feed) => Partial<Feed>): Feed {
  return { ...feed, ...patch(feed) }
}

function nothing(after: bigint): ReturnType<Feed['fetch']> {
  return Promise.resolve({ deliveries: [], cursor: after, hasMore: false })
}

/** What two lanes hold, as if it were one. */
async function both(feed: Feed, after: bigint, limit: number): ReturnType<Feed['fetch']> {
  const lanes = await Promise.all([feed.fetch(0, after, 1000), feed.fetch(1, after, 1000)])
  const deliveries = lanes.flatMap((lane) => lane.deliveries).toSorted((a, b) => Number(a.cursor - b.cursor))
  const cut = deliveries.slice(0, limit)
  const hasMore = deliveries.length > limit
  return { deliveries: cut, hasMore, cursor: hasMore ? (cut.at(-1)?.cursor ?? after) : (lanes[0]?.cursor ?? after) }
}
