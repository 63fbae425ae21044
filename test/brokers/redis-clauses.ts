import { readFileSync } from 'node:fs'
import type { RelayedMessage, StoredMessage } from 'estafet'
import type { Clause } from 'estafet/contract'
import {
  type RedisClient,
  type RedisSinkOptions,
  type RedisTopicFeed,
  redisSink,
  redisTopicFeed,
  type TrimmedShard,
  trimRedisTopic,
} from 'estafet/redis'
import { holds, rejects, same } from '../../src/contract/clause.ts'
import { sample } from '../../src/contract/message.ts'

/** What these clauses are given: an empty Redis. */
export interface RedisDriver {
  /** Of the driver under test. */
  readonly client: RedisClient
  /** Past it. */
  command(...words: readonly string[]): Promise<unknown>
}

const topic = 'sample'
const hash = 'estafet:{sample}'
const stream = `${hash}:0`

/** What the driver for Redis Streams promises beyond what every broker does. */
export const redisClauses: readonly Clause<RedisDriver>[] = [
  {
    says: 'offsets count from 1 without a gap, as ids of the stream, each entry one event',
    async holds({ client, command }) {
      await send(client, [1, 2, 3])
      const entries = await command('XRANGE', stream, '-', '+')
      holds(Array.isArray(entries), 'there is a list')
      const about = Array.isArray(entries)
        ? entries.map(([id, [field, event]]) => [id, field, JSON.parse(event).id])
        : []
      same(
        about,
        [1, 2, 3].map((number) => [`${number}-0`, 'event', sample(number).id]),
        'the entries',
      )
    },
  },
  {
    says: 'one shard is enough',
    async holds({ client }) {
      const sink = redisSink(client, { name: 'redis', shards: 1 })
      same(await sink.partitions(topic), 1, 'the partitions')
      await sink.send([relayed(1, 0), relayed(2, 1)])
      same(await positions(feed(client), 0n), [1n, 2n], 'the messages')
      await rejects(sink.send([{ ...relayed(3, 0), partition: 1 }]), 'MISCONFIGURED')
    },
  },
  {
    says: 'messages that were removed unread are a gap, named by topic, shard and offsets, wherever they were',
    async holds({ client, command }) {
      const reader = await opened(client, [1, 2, 3, 4, 5])
      await command('XTRIM', stream, 'MINID', '3-0')
      same(await gapOf(reader, 0n), gap(1, 2), 'at the beginning')
      same(await gapOf(reader, 1n), gap(2, 2), 'for one that has read a part')
      same(await positions(reader, 2n), [3n, 4n, 5n], 'for one that has read them')
      await command('XDEL', stream, '4-0')
      const { deliveries, hasMore } = await reader.fetch(0, 2n, 100)
      same([deliveries.map(({ cursor }) => cursor), hasMore], [[3n], true], 'what is before one in the middle')
      same(await gapOf(reader, 3n), gap(4, 4), 'in the middle')
      await command('XTRIM', stream, 'MAXLEN', '0')
      same(await gapOf(reader, 3n), gap(4, 5), 'all')
      same(await positions(reader, 5n), [], 'for one that has read all')
      await command('DEL', stream)
      await send(client, [6])
      same(await gapOf(reader, 3n), gap(4, 5), 'of a stream that was deleted')
      same(await positions(reader, 5n), [6n], 'for one that had read that')
    },
  },
  {
    says: 'a server that was emptied is another epoch, to its readers and its writer',
    async holds({ client, command }) {
      const [sink, reader] = [sinkOf(client), feed(client)]
      await sink.partitions(topic)
      await sink.send([relayed(1, 0)])
      const before = await reader.open()
      await command('FLUSHALL')
      await rejects(reader.advance(), 'EPOCH_CHANGED')
      await rejects(reader.fetch(0, 0n, 10), 'EPOCH_CHANGED')
      await rejects(sink.send([relayed(2, 1)]), 'EPOCH_CHANGED')
      await rejects(sinkOf(client).send([relayed(2, 1)]), 'EPOCH_CHANGED')
      await rejects(reader.open(), 'EPOCH_CHANGED')
      await rejects(reader.ends(), 'EPOCH_CHANGED')
      const idle = sinkOf(client)
      await idle.partitions('other')
      await command('FLUSHALL')
      await rejects(idle.send([relayed(1, 0, 'other')]), 'EPOCH_CHANGED')
      same(await command('KEYS', '*other*'), [], 'what was written meanwhile')
      await sinkOf(client, { acceptsLoss: true }).send([relayed(2, 1)])
      await sinkOf(client).send([relayed(3, 2)])
      await rejects(reader.fetch(0, 0n, 10), 'EPOCH_CHANGED')
      holds((await feed(client).open()).epoch !== before.epoch, 'the epoch is another one')
      same(await positions(feed(client), 0n), [2n, 3n], 'the messages of the new epoch')
    },
  },
  {
    says: 'a server that was set back is another epoch, to its readers and its writer',
    async holds({ client, command }) {
      const reader = await opened(client, [1, 2])
      await command('COPY', hash, 'saved-hash')
      await command('COPY', stream, 'saved-stream')
      await send(client, [3, 4], 2)
      same(await positions(reader, 2n), [3n, 4n], 'before')
      await command('COPY', 'saved-hash', hash, 'REPLACE')
      await command('COPY', 'saved-stream', stream, 'REPLACE')
      await rejects(reader.fetch(0, 4n, 10), 'EPOCH_CHANGED')
      await rejects(send(client, [5], 4), 'EPOCH_CHANGED')
      await send(client, [3, 4, 5], 2)
      same(await positions(reader, 2n), [3n, 4n, 5n], 'what was sent again')
    },
  },
  {
    says: 'a batch is appended whole or not at all',
    async holds({ client, command }) {
      await send(client, [1])
      await command('RENAME', stream, 'aside')
      await command('SET', stream, 'something else')
      await rejects(send(client, [2, 3]), 'MISCONFIGURED')
      same(await command('HGET', hash, 'offset:0'), '1', 'the offset')
      await command('RENAME', 'aside', stream)
      await send(client, [2, 3])
      same(await positions(feed(client), 0n), [1n, 2n, 3n], 'the messages')
    },
  },
  {
    says: 'an entry with an id that is not the next offset is found by writer and readers',
    async holds({ client, command }) {
      const reader = await opened(client, [1])
      await command('XADD', stream, '*', 'event', '{}')
      await rejects(send(client, [2]), 'MISCONFIGURED')
      same(await positions(reader, 0n), [1n], 'what is before it')
      await rejects(reader.fetch(0, 1n, 10), 'MISCONFIGURED')
      same(await command('XLEN', stream), 2, 'entries')
      await command('XTRIM', stream, 'MAXLEN', '0')
      await command('HSET', hash, 'offset:0', '2')
      await command('XADD', stream, 'NOMKSTREAM', '9999999999999-1', 'event', '{}')
      await rejects(reader.fetch(0, 1n, 10), 'MISCONFIGURED')
    },
  },
  {
    says: 'what is written while a shard is read is neither missing nor of somebody else',
    async holds({ client }) {
      const reader = await opened(client, [1])
      let next = 2
      const interrupted = redisTopicFeed(
        {
          async sendCommand(words) {
            if (words[0] === 'HMGET') await send(client, [next++])
            return client.sendCommand(words)
          },
        },
        { topic, group: 'reader' },
      )
      same(await positions(interrupted, 0n), [1n], 'a read with something to find')
      same(await positions(interrupted, 2n), [3n], 'a read with nothing to find')
      same(await positions(reader, 0n), [1n, 2n, 3n], 'all')
    },
  },
  {
    says: 'a program without the toolkit can append, and its message is read in its place',
    async holds({ client, command }) {
      await send(client, [1])
      const page = readFileSync(new URL('../../docs/decisions/0010-redis-streams.md', import.meta.url), 'utf8')
      const lua = /```lua\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
      const event = { specversion: '1.0', id: 'x-1', source: '/python', type: 'sample.foreign', data: { a: 1 } }
      same(await command('EVAL', lua, '2', hash, stream, '0', JSON.stringify(event)), '2', 'its offset')
      await send(client, [2], 1)
      const { deliveries } = await feed(client).fetch(0, 0n, 10)
      same(
        deliveries.map(({ message, cursor, previous }) => [
          message.id,
          message.type,
          message.payload,
          cursor,
          previous,
        ]),
        [
          [sample(1).id, 'sample.taken', sample(1).payload, 1n, 0n],
          ['x-1', 'sample.foreign', '{"a":1}', 2n, null],
          [sample(2).id, 'sample.taken', sample(2).payload, 3n, 1n],
        ],
        'the messages',
      )
    },
  },
  {
    says: 'a topic whose hash is gone is not begun over its streams',
    async holds({ client, command }) {
      await send(client, [1])
      await command('DEL', hash)
      await rejects(sinkOf(client).partitions(topic), 'MISCONFIGURED')
      same(await command('XLEN', stream), 1, 'entries')
    },
  },
  {
    says: "the group follows the lanes, so that Redis' own tools show the lag",
    async holds({ client, command }) {
      const reader = await opened(client, [1, 2, 3])
      same(await lag(command), 3, 'at first')
      await reader.advance()
      const { cursor } = await reader.fetch(0, 0n, 2)
      same(await lag(command), 3, 'while the batch is handled')
      await reader.fetch(0, cursor, 2)
      same(await lag(command), 1, 'after the first batch')
      same([await reader.advance(), await reader.advance()], ['more', 'idle'], 'looks after the last news')
      await reader.fetch(0, 3n, 2)
      same(await lag(command), 0, 'at the end')
    },
  },
  {
    says: 'trimming removes what every group has finished, and nothing else',
    async holds({ client, command }) {
      const reader = await opened(client, [1, 2, 3, 4, 5])
      await feed(client, 'slow').open()
      same(await trimmed(client), [{ shard: 0, upTo: 0n, removed: 0 }], 'with a group that has read nothing')
      await command('XGROUP', 'SETID', stream, 'slow', '2-0')
      await reader.fetch(0, 5n, 10)
      same(await trimmed(client), [{ shard: 0, upTo: 2n, removed: 2 }], 'with a slow group')
      await command('XGROUP', 'CREATE', stream, 'native', '2-0')
      await command('XGROUP', 'SETID', stream, 'slow', '5-0')
      await command('XREADGROUP', 'GROUP', 'native', 'c', 'COUNT', '3', 'STREAMS', stream, '>')
      await command('XACK', stream, 'native', '3-0')
      same(await trimmed(client), [{ shard: 0, upTo: 3n, removed: 1 }], 'with what another client holds')
      await command('XGROUP', 'DESTROY', stream, 'native')
      same(await trimmed(client, 1), [{ shard: 0, upTo: 4n, removed: 1 }], 'with one to keep')
      same(await positions(reader, 4n), [5n], 'what is left')
    },
  },
  {
    says: 'trimming leaves what comes again to a group that was set back to the beginning',
    async holds({ client, command }) {
      const reader = await opened(client, [1, 2, 3])
      await reader.fetch(0, 3n, 10)
      same(await lag(command), 0, 'the lag before')
      const { cursor } = await reader.fetch(0, 0n, 10)
      same([cursor, await lag(command)], [3n, 3], 'what comes again, and the lag')
      same(await trimmed(client), [{ shard: 0, upTo: 0n, removed: 0 }], 'while it is handled')
      await reader.fetch(0, cursor, 10)
      same(await trimmed(client), [{ shard: 0, upTo: 3n, removed: 3 }], 'when it is done')
      await send(client, [4])
      same(await positions(reader, 0n), [4n], 'from the beginning once more')
      same(await lag(command), 1, 'the lag, without what is gone')
    },
  },
  {
    says: 'nothing is trimmed without a group',
    async holds({ client }) {
      await send(client, [1, 2])
      same(await trimmed(client), [{ shard: 0, upTo: 0n, removed: 0 }], 'the topic')
    },
  },
  {
    says: 'a subscription that begins after a trim begins with what there is, one that was passed over has a gap',
    async holds({ client, command }) {
      const reader = await opened(client, [1, 2, 3])
      await reader.fetch(0, 2n, 10)
      same(await trimmed(client), [{ shard: 0, upTo: 2n, removed: 2 }], 'the trim')
      const late = feed(client, 'late')
      await late.open()
      same(await lag(command, 'late'), 1, 'the lag of the new one')
      await reader.fetch(0, 3n, 10)
      same(await trimmed(client), [{ shard: 0, upTo: 2n, removed: 0 }], 'a trim while the new one waits')
      same(await positions(late, 0n), [3n], 'the new one')
      same(await gapOf(reader, 1n), gap(2, 2), 'one that had read a part')
      await command('XTRIM', stream, 'MAXLEN', '0')
      same(await gapOf(late, 0n), gap(1, 3), 'the new one, when somebody removed the rest')
    },
  },
]

function sinkOf(client: RedisClient, more: Partial<RedisSinkOptions> = {}) {
  return redisSink(client, { name: 'redis', shards: 1, ...more })
}

function feed(client: RedisClient, group = 'reader'): RedisTopicFeed {
  return redisTopicFeed(client, { topic, group })
}

/** Sends messages of these numbers, each with the one before it; `after` is before the first. */
async function send(client: RedisClient, numbers: readonly number[], after = (numbers[0] ?? 1) - 1): Promise<void> {
  await sinkOf(client).send(numbers.map((number, at) => relayed(number, numbers[at - 1] ?? after)))
}

/** A reader whose group began before the messages were written. */
async function opened(client: RedisClient, numbers: readonly number[]): Promise<RedisTopicFeed> {
  await sinkOf(client).partitions(topic)
  const reader = feed(client)
  await reader.open()
  await send(client, numbers)
  return reader
}

function relayed(number: number, previous: number, to = topic): RelayedMessage {
  const place = { source: 'orders', epoch: 'e1', position: BigInt(number), time: '2026-01-02T03:04:05.678Z' }
  const message: StoredMessage = { ...sample(number), ...place, topic: to }
  return { message, partition: 0, previous: BigInt(previous) }
}

async function positions(reader: RedisTopicFeed, after: bigint): Promise<readonly bigint[]> {
  return (await reader.fetch(0, after, 100)).deliveries.map(({ message }) => message.position)
}

async function gapOf(reader: RedisTopicFeed, after: bigint): Promise<unknown> {
  return reader.fetch(0, after, 100).then(
    () => 'no gap',
    ({ code, details }) => ({ code, details }),
  )
}

function gap(from: number, to: number): unknown {
  return { code: 'GAP', details: { topic, shard: 0, from: String(from), to: String(to) } }
}

async function lag(command: RedisDriver['command'], group = 'reader'): Promise<unknown> {
  const groups = await command('XINFO', 'GROUPS', stream)
  const found = Array.isArray(groups) ? groups.find(({ name }) => name === group) : undefined
  return found?.lag
}

function trimmed(client: RedisClient, keep = 0): Promise<readonly TrimmedShard[]> {
  return trimRedisTopic(client, { topic, keep })
}
