import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEstafetError, type RelayedMessage } from 'estafet'
import { redisSink, redisTopicFeed } from 'estafet/redis'
import { findRedis, howToGetRedis } from '../../engines/redis/binaries.ts'
import { temporaryRedis } from '../../engines/redis/server.ts'
import { connected } from '../contract/redis-driver.ts'

function relayed(position: number): RelayedMessage {
  return {
    partition: 0,
    previous: BigInt(position - 1),
    message: {
      ...{ id: `m-${position}`, type: 'order.placed', version: 1, topic: 'orders', key: 'k', correlationId: 'c' },
      ...{ causationId: null, traceparent: null, headers: {}, source: 'shop', epoch: 'e', payload: '{}' },
      ...{ time: '2026-01-01T00:00:00.000Z', position: BigInt(position) },
    },
  }
}

test('an entry that somebody adds to a stream by hand stops its sink, and what the error says mends it', {
  skip: findRedis() === null ? `no redis-server was found: ${howToGetRedis}` : false,
}, async () => {
  const server = await temporaryRedis()
  const client = await connected(server)
  try {
    const sink = redisSink(client, { name: 'redis', shards: 1 })
    await sink.send([relayed(1), relayed(2)])
    const id = await client.sendCommand<string>(['XADD', 'estafet:{orders}:0', '*', 'event', '{}'])
    const error: unknown = await sink.send([relayed(3)]).catch((thrown: unknown) => thrown)
    assert.ok(isEstafetError(error, 'MISCONFIGURED'))
    const [, words = ''] = /\((XSETID [^)]+)\)/.exec(error.message) ?? []
    assert.equal(words, 'XSETID estafet:{orders}:0 2-0')
    await client.sendCommand(['XDEL', 'estafet:{orders}:0', id])
    await assert.rejects(sink.send([relayed(3)]), (again) => isEstafetError(again, 'MISCONFIGURED'))
    await client.sendCommand(words.split(' '))
    await sink.send([relayed(3)])
    const feed = redisTopicFeed(client, { topic: 'orders', group: 'g' })
    await feed.open()
    const { deliveries } = await feed.fetch(0, 0n, 10)
    assert.deepEqual(
      deliveries.map(({ message }) => message.id),
      ['m-1', 'm-2', 'm-3'],
    )
  } finally {
    client.destroy()
    await server.stop()
  }
})
