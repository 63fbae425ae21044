import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isEstafetError, type Sink } from 'estafet'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { findRedis, howToGetRedis } from '../../engines/redis/binaries.ts'
import { comesTrue, type RedisSystem, type RedisSystemOptions, redisSystem } from './redis-system.ts'

const skip = findRedis() === null ? `no redis-server was found: ${howToGetRedis}` : false
const keys = Array.from({ length: 15 }, (_, number) => `key-${number}`)

describe('relay and subscribers over Redis', { skip }, () => {
  let postgres: PostgresServer
  before(async () => {
    postgres = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => postgres.stop())

  for (const options of [
    { shards: 1, resp: 2 },
    { shards: 3, resp: 3 },
    { shards: 12, resp: 3 },
  ] as const) {
    test(`lose and double nothing when Redis is killed again and again, and frozen: ${options.shards} shards, RESP${options.resp}`, async () => {
      await using run = await open(postgres, options)
      const { system } = run
      const publishing = publishRounds(system, 60)
      for (let kill = 0; kill < 4; kill++) {
        const applied = appliedBy(system)
        await comesTrue(() => appliedBy(system) > applied)
        await system.redis.kill()
        await sleep(50 * kill)
        await system.redis.restart()
      }
      // Longer than the clients wait for an answer: they leave the connection, and what they sent is still carried out.
      process.kill(system.redis.pid, 'SIGSTOP')
      await sleep(2_500)
      process.kill(system.redis.pid, 'SIGCONT')
      await publishing
      await settled(system)
      assert.ok(await comesTrue(async () => (await lags(system)).every((lag) => lag === 0)))
      assert.equal((await lags(system)).length, options.shards)
      assert.deepEqual(
        [...system.errors].filter((code) => ['GAP', 'EPOCH_CHANGED', 'MISCONFIGURED'].includes(code)),
        [],
      )
    })
  }

  test('lose and double nothing when the writer’s client sends everything twice', async () => {
    await using run = await open(postgres, {
      ...{ shards: 3, resp: 3 },
      client: (client) => ({
        async sendCommand(words) {
          await client.sendCommand(words).catch(() => {})
          return client.sendCommand(words)
        },
      }),
    })
    await publishRounds(run.system, 5)
    await settled(run.system)
    const duplicates = run.system.subscribers.map((each) => each.counters().duplicates)
    assert.equal(
      duplicates.reduce((sum, each) => sum + each, 0),
      5 * keys.length,
    )
  })

  test('stop and call for a person when Redis was emptied', async () => {
    await using run = await open(postgres, { shards: 3, resp: 3 })
    const { system } = run
    await publishRounds(system, 1)
    await settled(system)
    await system.command('FLUSHALL')
    assert.ok(await comesTrue(() => system.subscribers.every((each) => !each.health().live)))
    assert.ok(await publishesUntil(system, () => !system.relay.health().live))
    assert.deepEqual(doubled(await system.effects()), [])
  })

  test('a relay that takes a failed send for done is stopped, because Redis lacks what it says it sent', async () => {
    await using run = await open(postgres, { shards: 1, resp: 3, sink: swallowing })
    await lose(run.system)
    assert.ok(await publishesUntil(run.system, () => !run.system.relay.health().live))
    assert.deepEqual(doubled(await run.system.effects()), [])
  })

  test('what such a relay lost is a gap to the subscribers when the loss was accepted', async () => {
    await using run = await open(postgres, { shards: 1, resp: 3, sink: swallowing, acceptsLoss: true })
    await lose(run.system)
    assert.ok(await publishesUntil(run.system, () => run.system.errors.has('GAP')))
    assert.notDeepEqual(await run.system.effects(), run.system.published())
  })
})

interface Run extends AsyncDisposable {
  readonly system: RedisSystem
}

async function open(postgres: PostgresServer, options: RedisSystemOptions): Promise<Run> {
  const system = await redisSystem(postgres, options)
  return { system, [Symbol.asyncDispose]: () => system.stop() }
}

async function publishRounds(system: RedisSystem, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await system.publish(keys)
    await sleep(10)
  }
}

/** Waits until everything published took effect, then checks that it did so once and in order. */
async function settled(system: RedisSystem): Promise<void> {
  const wanted = count(system.published())
  await comesTrue(async () => count(await system.effects()) >= wanted)
  assert.deepEqual(await system.effects(), system.published())
}

/** Publishes while Redis is away and the relay takes its failures for done, then brings Redis back. */
async function lose(system: RedisSystem): Promise<void> {
  await publishRounds(system, 1)
  await settled(system)
  await system.redis.kill()
  const relayed = system.relay.counters().applied
  await publishRounds(system, 1)
  await comesTrue(() => system.relay.counters().applied >= relayed + keys.length)
  await system.redis.restart()
}

/** Goes on publishing, because the relay's client may need a moment to find the server again. */
function publishesUntil(system: RedisSystem, holds: () => boolean): Promise<boolean> {
  return comesTrue(async () => {
    await system.publish(keys)
    return holds()
  })
}

function swallowing(sink: Sink): Sink {
  return {
    ...sink,
    partitions: () => Promise.resolve(1),
    async send(messages) {
      try {
        await sink.send(messages)
      } catch (error) {
        if (!isEstafetError(error, 'UNAVAILABLE')) throw error
      }
    },
  }
}

function appliedBy({ subscribers }: RedisSystem): number {
  return subscribers.reduce((sum, each) => sum + each.counters().applied, 0)
}

function count(numbers: Readonly<Record<string, readonly number[]>>): number {
  return Object.values(numbers).reduce((sum, { length }) => sum + length, 0)
}

function doubled(numbers: Readonly<Record<string, readonly number[]>>): readonly string[] {
  return Object.entries(numbers).flatMap(([key, found]) => (new Set(found).size === found.length ? [] : [key]))
}

async function lags(system: RedisSystem): Promise<readonly unknown[]> {
  const keys = await system.command('KEYS', 'estafet:{work}:*')
  if (!Array.isArray(keys)) return []
  const script = "return redis.call('XINFO', 'GROUPS', KEYS[1])[1][12]"
  return Promise.all(keys.map((key) => system.command('EVAL', script, '1', key)))
}
