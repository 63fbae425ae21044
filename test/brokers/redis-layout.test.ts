import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { isEstafetError, type RelayedMessage } from 'estafet'
import { type RedisLayout, redisSink, redisTopicFeed, trimRedisTopic } from 'estafet/redis'
import { findRedis, howToGetRedis } from '../../engines/redis/binaries.ts'
import { type RedisServer, temporaryRedis } from '../../engines/redis/server.ts'
import { connected } from '../contract/redis-driver.ts'

/** Streams as operators of another system know them. */
const layout: RedisLayout = {
  stream: (topic) => `events:${topic}`,
  encode: ({ type, key, payload, time }) => ({ type, aggregate_id: key, data: payload, timestamp: time }),
  decode: ({ type = 'unknown', data = 'null' }) => ({ type, payload: data }),
}

function relayed(position: number, key = 'k'): RelayedMessage {
  return {
    partition: 0,
    previous: BigInt(position - 1),
    message: {
      ...{ id: `m-${position}`, type: 'task.created', version: 1, topic: 'task.created', key },
      ...{ correlationId: 'c', causationId: null, traceparent: null, headers: { a: 'b' }, source: 'tasks', epoch: 'e' },
      ...{ time: '2026-01-01T00:00:00.000Z', payload: `{"n":${position}}`, position: BigInt(position) },
    },
  }
}

describe('a layout of Redis Streams', {
  skip: findRedis() === null ? `no redis-server was found: ${howToGetRedis}` : false,
}, () => {
  let server: RedisServer
  let client: Awaited<ReturnType<typeof connected>>
  before(async () => {
    server = await temporaryRedis()
    client = await connected(server)
  })
  beforeEach(() => client.sendCommand(['FLUSHALL']))
  after(async () => {
    client.destroy()
    await server.stop()
  })
  const feedOf = (topic: string) => redisTopicFeed(client, { topic, group: 'analytics', layout })

  test('names and fills the stream as its users know it, and reads back the same messages with their chain', async () => {
    const sink = redisSink(client, { name: 'redis', layout })
    assert.equal(await sink.partitions('task.created'), 1)
    await sink.send([relayed(1), relayed(2, 'ключ\n')])
    assert.deepEqual(
      (await client.sendCommand<[string, string[]][]>(['XRANGE', 'events:task.created', '-', '+'])).map(
        ([id, words]) => [id, words.slice(0, 8)],
      ),
      [
        [
          '1-0',
          ['type', 'task.created', 'aggregate_id', 'k', 'data', '{"n":1}', 'timestamp', '2026-01-01T00:00:00.000Z'],
        ],
        [
          '2-0',
          [
            'type',
            'task.created',
            'aggregate_id',
            'ключ\n',
            'data',
            '{"n":2}',
            'timestamp',
            '2026-01-01T00:00:00.000Z',
          ],
        ],
      ],
    )
    const feed = feedOf('task.created')
    await feed.open()
    const { deliveries } = await feed.fetch(0, 0n, 10)
    assert.deepEqual(
      deliveries,
      [relayed(1), relayed(2, 'ключ\n')].map(({ message, previous }) => ({
        message,
        previous,
        cursor: message.position,
      })),
    )
  })

  test('shows its group with a lag to Redis tools, and trims only what the group has finished', async () => {
    const sink = redisSink(client, { name: 'redis', layout })
    await sink.send([relayed(1), relayed(2), relayed(3)])
    const feed = feedOf('task.created')
    await feed.open()
    const lag = async () => {
      const [group] = await client.sendCommand<Record<string, unknown>[]>(['XINFO', 'GROUPS', 'events:task.created'])
      return [group?.['name'], group?.['lag']]
    }
    assert.deepEqual(await lag(), ['analytics', 3])
    await feed.fetch(0, 2n, 10)
    await feed.fetch(0, 3n, 10)
    for (;;) if ((await lag())[1] === 0) break
    assert.deepEqual(
      (await trimRedisTopic(client, { topic: 'task.created', keep: 1, layout })).map(({ removed }) => removed),
      [2],
    )
  })

  test('finds what was removed behind its back', async () => {
    await redisSink(client, { name: 'redis', layout }).send([relayed(1), relayed(2), relayed(3)])
    await client.sendCommand(['XDEL', 'events:task.created', '2-0'])
    const feed = feedOf('task.created')
    await feed.open()
    assert.equal((await feed.fetch(0, 0n, 10)).deliveries.length, 1)
    await assert.rejects(feed.fetch(0, 1n, 10), (error) => isEstafetError(error, 'GAP'))
  })

  test('refuses several shards, and an entry that others added', async () => {
    await assert.rejects(redisSink(client, { name: 'redis', layout, shards: 2 }).partitions('a'), (error) =>
      isEstafetError(error, 'UNSUPPORTED'),
    )
    await redisSink(client, { name: 'redis', layout }).send([relayed(1)])
    await client.sendCommand(['XADD', 'events:task.created', '*', 'type', 'x'])
    const feed = feedOf('task.created')
    await feed.open()
    await assert.rejects(feed.fetch(0, 1n, 10), (error) => isEstafetError(error, 'MISCONFIGURED'))
  })

  test('that cannot encode stops the relay with the topic, and sends nothing', async () => {
    const broken = {
      ...layout,
      encode() {
        throw new TypeError('secret')
      },
    }
    const sink = redisSink(client, { name: 'redis', layout: broken })
    await assert.rejects(
      sink.send([relayed(1)]),
      (error) =>
        isEstafetError(error, 'MISCONFIGURED') && !error.message.includes('secret') && error.cause === undefined,
    )
    assert.equal(await client.sendCommand(['EXISTS', 'events:task.created']), 0)
  })
})
