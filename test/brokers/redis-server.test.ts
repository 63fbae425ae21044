import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createClient } from '@redis/client'
import { isEstafetError, type RelayedMessage, type StoredMessage } from 'estafet'
import { type RedisClient, redisSink, redisTopic, redisTopicFeed, type UnsafeSetting } from 'estafet/redis'
import { findRedis, howToGetRedis } from '../../engines/redis/binaries.ts'
import { type RedisOptions, type RedisServer, temporaryRedis } from '../../engines/redis/server.ts'
import { sample } from '../../src/contract/message.ts'
import { connected } from '../contract/redis-driver.ts'

const topic = 'sample'
const never = new AbortController().signal
const unsafe: Readonly<Record<Exclude<UnsafeSetting, 'replica'>, RedisOptions['settings']>> = {
  eviction: { 'maxmemory-policy': 'allkeys-lru' },
  'no-aof': { appendonly: 'no' },
}

describe('a Redis server', {
  skip: findRedis() === null ? `no redis-server was found: ${howToGetRedis}` : false,
}, () => {
  for (const [name, settings] of Object.entries(unsafe)) {
    test(`is refused by writer and readers when it can lose messages by ${name}, unless that is allowed`, async () => {
      await using world = await open({ ...(settings === undefined ? {} : { settings }) })
      const { client } = world
      const allow = Object.keys(unsafe).filter((each): each is keyof typeof unsafe => each === name)
      const refused = (error: unknown) => isMisconfigured(error, [name])
      await assert.rejects(redisSink(client, { name: 'r' }).partitions(topic), refused)
      await assert.rejects(redisSink(client, { name: 'r' }).send([relayed(1)]), refused)
      assert.deepEqual(await client.sendCommand(['KEYS', '*']), [])
      await redisSink(client, { name: 'r', allow }).send([relayed(1)])
      await assert.rejects(redisTopicFeed(client, { topic, group: 'g' }).open(), refused)
      await redisTopicFeed(client, { topic, group: 'g', allow }).open()
    })
  }

  test('is refused when it became unsafe while it was used', async () => {
    await using world = await open()
    const { client } = world
    const feed = redisTopicFeed(client, { topic, group: 'g' })
    await redisSink(client, { name: 'r' }).send([relayed(1)])
    await feed.open()
    await client.sendCommand(['CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru', 'appendonly', 'no'])
    await assert.rejects(feed.open(), (error) => isMisconfigured(error, ['eviction', 'no-aof']))
  })

  test('is refused when it is a replica, which can be read when that is allowed', async () => {
    await using primary = await open()
    await redisSink(primary.client, { name: 'r', shards: 1 }).send([relayed(1)])
    await using replica = await open({
      settings: {
        replicaof: `127.0.0.1 ${primary.server.port}`,
        masterauth: primary.server.password,
        'repl-diskless-sync-delay': '0',
      },
    })
    const { client } = replica
    await until(async () => Number(await client.sendCommand(['EXISTS', 'estafet:{sample}:0'])) === 1)
    const refused = (error: unknown) => isMisconfigured(error, ['replica'])
    await assert.rejects(redisTopicFeed(client, { topic, group: 'g' }).open(), refused)
    await assert.rejects(redisSink(client, { name: 'r' }).partitions(topic), refused)
    const feed = redisTopicFeed(client, { topic, group: 'g', allow: ['replica'] })
    await feed.open()
    assert.equal((await feed.fetch(0, 0n, 10)).deliveries.length, 1)
  })

  test('that becomes a replica while it is used is waited out', async () => {
    await using world = await open()
    const { client } = world
    const [sink, feed] = [redisSink(client, { name: 'r', shards: 1 }), redisTopicFeed(client, { topic, group: 'g' })]
    await sink.send([relayed(1)])
    await feed.open()
    await client.sendCommand(['REPLICAOF', '127.0.0.1', '1'])
    await assert.rejects(feed.open(), { code: 'UNAVAILABLE' })
    for (const _ of [1, 2]) await assert.rejects(sink.send([relayed(2)]), { code: 'UNAVAILABLE' })
    await client.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    await sink.send([relayed(2)])
    await feed.open()
    assert.equal((await feed.fetch(0, 0n, 10)).deliveries.length, 2)
  })

  test('that takes over and lacks what was acknowledged is another epoch, to writer and readers', async () => {
    await using first = await open()
    await using second = await open()
    const [old, fresh] = [first.client, second.client]
    const feed = (client: RedisClient) => redisTopicFeed(client, { topic, group: 'g' })
    await redisSink(old, { name: 'r', shards: 1 }).send([relayed(1), relayed(2)])
    const settings = ['masterauth', first.server.password, 'repl-diskless-sync-delay', '0']
    await fresh.sendCommand(['CONFIG', 'SET', ...settings])
    await old.sendCommand(['CONFIG', 'SET', 'repl-diskless-sync-delay', '0'])
    await fresh.sendCommand(['REPLICAOF', '127.0.0.1', String(first.server.port)])
    await until(async () => Number(await fresh.sendCommand(['EXISTS', 'estafet:{sample}:0'])) === 1)
    // As if it had been cut off: it gets nothing of what comes now.
    await fresh.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    await redisSink(old, { name: 'r' }).send([relayed(3), relayed(4)])
    const { epoch } = await feed(old).open()
    assert.equal((await feed(old).fetch(0, 2n, 10)).cursor, 4n)
    await first.server.kill()
    assert.equal((await feed(fresh).open()).epoch, epoch)
    await assert.rejects(feed(fresh).fetch(0, 4n, 10), { code: 'EPOCH_CHANGED' })
    await assert.rejects(redisSink(fresh, { name: 'r' }).send([relayed(5)]), { code: 'EPOCH_CHANGED' })
    await redisSink(fresh, { name: 'r' }).send([relayed(3), relayed(4), relayed(5)])
    assert.equal((await feed(fresh).fetch(0, 4n, 10)).deliveries.length, 1)
  })

  test('that is full takes nothing of a batch, and goes on when it has room', async () => {
    await using world = await open()
    const { client } = world
    const sink = redisSink(client, { name: 'r', shards: 1 })
    await sink.send([relayed(1)])
    await client.sendCommand(['CONFIG', 'SET', 'maxmemory', '1'])
    await assert.rejects(sink.send([relayed(2), relayed(3)]), { code: 'UNAVAILABLE' })
    assert.equal(await client.sendCommand(['HGET', 'estafet:{sample}', 'offset:0']), '1')
    await client.sendCommand(['CONFIG', 'SET', 'maxmemory', '0'])
    await sink.send([relayed(2), relayed(3)])
    assert.equal((await redisTopicFeed(client, { topic, group: 'g' }).fetch(0, 0n, 10)).deliveries.length, 3)
  })

  test('that was killed has what it acknowledged, and is used again once it is back', async () => {
    await using world = await open()
    const { client, server } = world
    const [sink, feed] = [redisSink(client, { name: 'r', shards: 1 }), redisTopicFeed(client, { topic, group: 'g' })]
    await sink.send([relayed(1), relayed(2)])
    await feed.open()
    await server.kill()
    await assert.rejects(sink.send([relayed(3)]), { code: 'UNAVAILABLE' })
    await assert.rejects(feed.fetch(0, 0n, 10), { code: 'UNAVAILABLE' })
    await server.restart()
    await until(() =>
      sink.send([relayed(3)]).then(
        () => true,
        () => false,
      ),
    )
    const { deliveries } = await feed.fetch(0, 0n, 10)
    assert.deepEqual(
      deliveries.map(({ message }) => message.position),
      [1n, 2n, 3n],
    )
  })

  test('that is frozen counts as unavailable, and what it was sent is there once or twice when it goes on', async () => {
    await using world = await open()
    const { client, server } = world
    const feed = redisTopicFeed(client, { topic, group: 'g' })
    const sink = redisSink(client, { name: 'r', shards: 1, timeoutMs: 300 })
    await sink.send([relayed(1)])
    process.kill(server.pid, 'SIGSTOP')
    await assert.rejects(sink.send([relayed(2)]), { code: 'UNAVAILABLE' })
    process.kill(server.pid, 'SIGCONT')
    await until(() =>
      sink.send([relayed(2)]).then(
        () => true,
        () => false,
      ),
    )
    const found = (await feed.fetch(0, 0n, 10)).deliveries.map(({ message }) => message.position)
    assert.deepEqual(found, [1n, 2n, 2n])
  })

  test('is not asked while its client is not connected, also by a client that would queue', async () => {
    await using world = await open()
    const queueing = createClient({ url: world.server.url })
    queueing.on('error', () => {})
    await queueing.connect()
    const sink = redisSink(queueing, { name: 'r', shards: 1 })
    await sink.send([relayed(1)])
    await world.server.kill()
    await until(() => Promise.resolve(!queueing.isReady))
    await assert.rejects(sink.send([relayed(2)]), { code: 'UNAVAILABLE' })
    await world.server.restart()
    await until(() => Promise.resolve(queueing.isReady))
    const { deliveries } = await redisTopicFeed(queueing, { topic, group: 'g' }).fetch(0, 0n, 10)
    assert.equal(deliveries.length, 1)
    queueing.destroy()
  })

  test('that a client has given up is not waited for, since the client will not come back', async () => {
    await using world = await open()
    const { server } = world
    // Without a reconnectStrategy.
    const client = createClient({ url: server.url, socket: { socketTimeout: 300 } })
    client.on('error', () => {})
    await client.connect()
    const sink = redisSink(client, { name: 'r', shards: 1 })
    const feed = redisTopicFeed(client, { topic, group: 'g' })
    await sink.partitions(topic)
    process.kill(server.pid, 'SIGSTOP')
    await assert.rejects(sink.send([relayed(1)]), { code: 'UNAVAILABLE' })
    process.kill(server.pid, 'SIGCONT')
    await assert.rejects(sink.send([relayed(1)]), { code: 'MISCONFIGURED', message: /reconnectStrategy/ })
    await assert.rejects(feed.open(), { code: 'MISCONFIGURED' })
    await assert.rejects(feed.advance(), { code: 'MISCONFIGURED' })
  })

  test('that refuses the password is misconfigured, and its text is not repeated', async () => {
    await using world = await open()
    const client: RedisClient = { sendCommand: () => Promise.reject(new Error('NOPERM secret words')) }
    await assert.rejects(redisSink(client, { name: 'r' }).partitions(topic), (error: Error) => {
      assert.ok(isEstafetError(error, 'MISCONFIGURED'))
      return !error.message.includes('secret')
    })
    await world.client.sendCommand(['ACL', 'SETUSER', 'weak', 'on', 'nopass', '+info', '~*'])
    const weak = createClient({ socket: { port: world.server.port }, username: 'weak', password: 'x' })
    weak.on('error', () => {})
    await weak.connect()
    await assert.rejects(redisSink(weak, { name: 'r' }).partitions(topic), { code: 'MISCONFIGURED' })
    weak.destroy()
  })

  test('wakes who waits when something is written, also when that was between the look and the wait', async () => {
    await using world = await open()
    const { client } = world
    const sink = redisSink(client, { name: 'r', shards: 3 })
    await sink.partitions(topic)
    const source = redisTopic(client, { topic, group: 'g' })
    const wakeUp = source.wakeUp()
    try {
      await source.feed.advance()
      assert.equal(await isWoken(wakeUp, 1_500), false)
      const [woken] = await Promise.all([isWoken(wakeUp, 20_000), sink.send([relayed(1)])])
      assert.equal(woken, true)
      assert.equal(await isWoken(wakeUp, 20_000), true)
      await source.feed.advance()
      await sink.send([{ ...relayed(2), partition: 2, previous: 0n }])
      assert.equal(await isWoken(wakeUp, 20_000), true)
    } finally {
      await wakeUp.close()
    }
  })

  test('that is gone and back wakes as before, and a wait ends when told to', async () => {
    await using world = await open()
    const { client, server } = world
    const sink = redisSink(client, { name: 'r', shards: 1 })
    await sink.partitions(topic)
    const source = redisTopic(client, { topic, group: 'g' })
    const wakeUp = source.wakeUp()
    await source.feed.advance()
    await wakeUp.wait(10, never)
    await server.kill()
    assert.equal(await isWoken(wakeUp, 50), false)
    await server.restart()
    await until(() =>
      sink.send([relayed(1)]).then(
        () => true,
        () => false,
      ),
    )
    await until(() => isWoken(wakeUp, 500))
    const stop = new AbortController()
    const waited = wakeUp.wait(60_000, stop.signal)
    stop.abort()
    await waited
    await wakeUp.wait(60_000, stop.signal)
    await wakeUp.close()
    await wakeUp.close()
  })
})

interface World extends AsyncDisposable {
  readonly server: RedisServer
  readonly client: Awaited<ReturnType<typeof connected>>
}

async function open(options: Omit<RedisOptions, 'home'> = {}): Promise<World> {
  const server = await temporaryRedis(options)
  const client = await connected(server)
  return {
    server,
    client,
    async [Symbol.asyncDispose]() {
      client.destroy()
      await server.stop()
    },
  }
}

function relayed(number: number): RelayedMessage {
  const place = { source: 'orders', epoch: 'e1', position: BigInt(number), time: '2026-01-02T03:04:05.678Z' }
  const message: StoredMessage = { ...sample(number), ...place, topic }
  return { message, partition: 0, previous: BigInt(number - 1) }
}

function isMisconfigured(error: unknown, faults: readonly string[]): boolean {
  assert.ok(isEstafetError(error, 'MISCONFIGURED'))
  assert.deepEqual(error.details['faults'], faults)
  return true
}

/** True when the wait ended clearly before its time. */
async function isWoken(wakeUp: { wait(ms: number, signal: AbortSignal): Promise<void> }, ms: number): Promise<boolean> {
  const over = new AbortController()
  const begun = performance.now()
  await wakeUp.wait(ms, over.signal)
  return performance.now() - begun < ms - 5
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not come true within 30 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
