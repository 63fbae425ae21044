import type { BrokerDriver } from 'estafet/contract'
import { memoryBrokerDriver } from './memory-driver.ts'

type Feed = ReturnType<BrokerDriver['feed']>

/** Brokers that each break one promise, by what is wrong with them. */
export const brokenBrokers: Readonly<Record<string, () => BrokerDriver>> = {
  'loses a message': () => withSend((messages) => messages.filter(({ message }) => message.position !== 3n)),
  'swaps messages': () => withSend((messages) => messages.toReversed()),
  'puts everything into one partition': () =>
    withSend((messages) => messages.map((each) => ({ ...each, partition: 0 }))),
  'forgets the chain': () => withSend((messages) => messages.map((each) => ({ ...each, previous: 0n }))),
  'loses headers': () =>
    withSend((messages) => messages.map((each) => ({ ...each, message: { ...each.message, headers: {} } }))),
  'gives a resent message another id': () => {
    let sent = 0
    return withSend((messages) =>
      messages.map((each) => {
        sent += 1
        return { ...each, message: { ...each.message, position: each.message.position + (sent > 1 ? 0n : 100n) } }
      }),
    )
  },
  'has no partition': () => {
    const driver = memoryBrokerDriver()
    return { ...driver, sink: { ...driver.sink, partitions: () => Promise.resolve(0) } }
  },
  'keeps a partition to itself': () => withSend((messages) => messages.filter(({ partition }) => partition === 0)),
  'knows every topic': () => withFeed((feed) => ({ open: () => feed.open().catch(() => ({ epoch: 'e', lanes: 0 })) })),
  'ignores the limit': () => withFeed((feed) => ({ fetch: (lane, after) => feed.fetch(lane, after, 1000) })),
  'goes on from the wrong place': () =>
    withFeed((feed) => ({ fetch: (lane, _, limit) => feed.fetch(lane, 0n, limit) })),
  'never tells of news': () => withFeed(() => ({ advance: () => Promise.resolve('idle') })),
  'always tells of news': () => withFeed(() => ({ advance: () => Promise.resolve('more') })),
  'numbers offsets with gaps': () =>
    withFeed((feed) => ({
      fetch: async (lane, after, limit) => {
        const fetched = await feed.fetch(lane, after, limit)
        return { ...fetched, deliveries: fetched.deliveries.map((each) => ({ ...each, cursor: each.cursor * 2n })) }
      },
    })),
}

function withSend(
  change: (messages: Parameters<BrokerDriver['sink']['send']>[0]) => Parameters<BrokerDriver['sink']['send']>[0],
): BrokerDriver {
  const driver = memoryBrokerDriver()
  return { ...driver, sink: { ...driver.sink, send: (messages) => driver.sink.send(change(messages)) } }
}

function withFeed(change: (feed: Feed) => Partial<Feed>): BrokerDriver {
  const driver = memoryBrokerDriver()
  return {
    ...driver,
    feed: (topic) => {
      const feed = driver.feed(topic)
      return { ...feed, ...change(feed) }
    },
  }
}
