import type { StoredMessage } from '../message/message.ts'
import type { Feed } from '../ports/feed.ts'
import type { RelayedMessage, Sink } from '../ports/sink.ts'
import { type Clause, holds, rejects, same } from './clause.ts'
import { sample } from './message.ts'

/** What a driver's test gives to these clauses: an empty broker, seen by its writer and its readers. One partition will do. */
export interface BrokerDriver {
  readonly sink: Sink
  feed(topic: string): Feed
}

const topic = 'sample'

/** The promises of Sink and of a topic as a Feed. */
export function brokerClauses(): readonly Clause<BrokerDriver>[] {
  return [
    {
      says: 'a topic that does not exist yet is not available, and exists once the writer asked for its partitions',
      async holds({ sink, feed }) {
        await rejects(feed(topic).open(), 'UNAVAILABLE')
        const partitions = await sink.partitions(topic)
        holds(Number.isInteger(partitions) && partitions >= 1, 'there are partitions')
        same(await sink.partitions(topic), partitions, 'asking again')
        same(
          await feed(topic).ends(),
          Array.from({ length: partitions }, () => 0n),
          'the ends',
        )
      },
    },
    {
      says: 'what was sent is there, each message in its partition, in the order sent, with its chain',
      async holds({ sink, feed }) {
        const others = Array.from({ length: (await sink.partitions(topic)) - 1 }, (_, at) => at + 1)
        const elsewhere = others.map((partition) => relayed(partition + 100, partition, 0))
        await sink.send([relayed(1, 0, 0), ...elsewhere, relayed(3, 0, 1)])
        await sink.send([relayed(4, 0, 3)])
        same(await chain(feed(topic), 0), ['1 after 0', '3 after 1', '4 after 3'], 'partition 0')
        for (const partition of others) {
          same(await chain(feed(topic), partition), [`${partition + 100} after 0`], `partition ${partition}`)
        }
      },
    },
    {
      says: 'a message keeps every field on the way',
      async holds({ sink, feed }) {
        await sink.partitions(topic)
        const sent = relayed(1, 0, 0, { headers: { tenant: 'é' }, causationId: 'x', key: `'"漢🙂`, correlationId: 'c' })
        await sink.send([sent])
        const { deliveries } = await feed(topic).fetch(0, 0n, 10)
        const instant = (message: StoredMessage | undefined) => ({ ...message, time: Date.parse(message?.time ?? '') })
        same(
          Object.entries(instant(deliveries[0]?.message)).sort(),
          Object.entries(instant(sent.message)).sort(),
          'fields',
        )
      },
    },
    {
      says: 'a message sent twice is there twice, as the same message',
      async holds({ sink, feed }) {
        await sink.partitions(topic)
        await sink.send([relayed(1, 0, 0)])
        await sink.send([relayed(1, 0, 0), relayed(2, 0, 1)])
        same(await chain(feed(topic), 0), ['1 after 0', '1 after 0', '2 after 1'], 'the partition')
      },
    },
    {
      says: 'a fetch goes on after its cursor, is cut by the limit, and may be repeated',
      async holds({ sink, feed }) {
        await sink.partitions(topic)
        await sink.send([1, 2, 3].map((number) => relayed(number, 0, number - 1)))
        const reader = feed(topic)
        const first = await reader.fetch(0, 0n, 2)
        same([first.deliveries.length, first.hasMore], [2, true], 'the first fetch')
        same(first.cursor, first.deliveries.at(-1)?.cursor, 'its cursor')
        const rest = await reader.fetch(0, first.cursor, 2)
        same(
          rest.deliveries.map(({ message }) => message.position),
          [3n],
          'the second fetch',
        )
        same((await reader.fetch(0, rest.cursor, 2)).cursor, rest.cursor, 'the cursor with nothing left')
        same(await reader.fetch(0, 0n, 2), first, 'the first fetch again')
      },
    },
    {
      says: 'advance tells of what is new, once',
      async holds({ sink, feed }) {
        const last = (await sink.partitions(topic)) - 1
        const reader = feed(topic)
        await reader.advance()
        same(await reader.advance(), 'idle', 'with nothing new')
        await sink.send([relayed(1, last, 0)])
        same([await reader.advance(), await reader.advance()], ['more', 'idle'], 'after a message')
      },
    },
    {
      says: 'writers side by side leave no gap and no overlap',
      async holds({ sink, feed }) {
        const last = (await sink.partitions(topic)) - 1
        const all = Array.from({ length: 20 }, (_, number) =>
          sink.send([relayed(number + 1, 0, 0), ...(last === 0 ? [] : [relayed(number + 101, last, 0)])]),
        )
        await Promise.all(all)
        const { deliveries } = await feed(topic).fetch(0, 0n, 100)
        same(
          deliveries.map(({ cursor }) => cursor),
          Array.from({ length: 20 }, (_, at) => BigInt(at + 1)),
          'the offsets',
        )
      },
    },
  ]
}

function relayed(
  number: number,
  partition: number,
  previous: number,
  more: Partial<StoredMessage> = {},
): RelayedMessage {
  const message: StoredMessage = {
    ...sample(number),
    ...{ source: 'orders', epoch: 'e1', position: BigInt(number), time: '2026-01-02T03:04:05.678901Z', topic },
    ...more,
  }
  return { message, partition, previous: BigInt(previous) }
}

async function chain(feed: Feed, lane: number): Promise<readonly string[]> {
  const { deliveries } = await feed.fetch(lane, 0n, 100)
  return deliveries.map(({ message, previous }) => `${message.position} after ${previous}`)
}
