import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { event, isEstafetError, type Logger, service, start, startRelay } from 'estafet'
import { type KafkaSink, kafkaSink, kafkaTopic } from 'estafet/kafka'
import { migrate, on, postgres, postgresLog, type Sql } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { howToGetKafka, kafkaInstallation } from '../../engines/kafka/installation.ts'
import { type KafkaServer, temporaryKafka } from '../../engines/kafka/server.ts'
import { newDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { freshCluster, singleNode } from '../contract/kafka-driver.ts'
import { relayed } from './kafka-clauses.ts'

const Done = event('work.done', {
  version: 1,
  schema: z.object({ operation: z.number(), key: z.string() }),
  key: ({ key }) => key,
})
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }
const reading = {
  ...{ leaseMs: 2000, logger: silent, backOff: { firstMs: 20, maxMs: 500 } },
  pace: { hotMs: 2, busyMs: 5, idleMs: 50 },
}
const skip = kafkaInstallation() === null ? `get it by: ${howToGetKafka}` : false

describe('a Kafka that is killed', { skip }, () => {
  let kafka: KafkaServer
  let database: PostgresServer
  before(async () => {
    const servers = await Promise.all([temporaryKafka(), temporaryPostgres({ settings: { fsync: 'off' } })])
    kafka = servers[0]
    database = servers[1]
  })
  after(() => Promise.all([kafka.stop(), database.stop()]))

  for (const partitions of [1, 12]) {
    test(`again and again under a relay and a subscriber loses, doubles and reorders nothing, with ${partitions} partitions`, {
      timeout: 180_000,
    }, async () => {
      const [cluster, source, subscriber] = [
        freshCluster(kafka),
        await made(database, `source_${partitions}`),
        await made(database, `subscriber_${partitions}`),
      ]
      const sink = kafkaSink(cluster, { name: 'kafka', partitions, ...singleNode, patienceMs: 500 })
      const relay = await startRelay({
        ...{ ...reading, batchSize: 50, sink, source: postgresLog(source, { source: 'source' }) },
        store: postgres(source),
      })
      await sinkIsUsed(sink)
      const handler = on(Done, async ({ data }, { tx }) => {
        await tx.query('INSERT INTO effect (operation, key) VALUES ($1, $2)', [data.operation, data.key])
      })
      const running = await start(service<Sql>('crash', { batchSize: 20, handlers: [handler] }), {
        ...{ ...reading, store: postgres(subscriber) },
        sources: [kafkaTopic(cluster, Done.topic, { allow: singleNode.allow, group: `crash-${partitions}` })],
      })
      try {
        let published = 0
        let isPublishing = true
        const publishing = (async () => {
          // Slowly enough that the reader, not the publisher, decides how long this takes.
          while (isPublishing) {
            await postgres(source).transaction(async (_, publish) => {
              for (let n = 0; n < 5; n++) publish(Done({ operation: published, key: `key-${published++ % 17}` }))
            })
            await sleep(10)
          }
        })()
        const appliedBeyond = (count: number) => until(() => running.counters().applied > count)
        for (let kill = 0; kill < 2; kill++) {
          await appliedBeyond(kill * 300 + 200)
          await kafka.kill()
          // Long enough that the relay's patience ends and it asks again.
          await sleep(1500)
          await kafka.restart()
        }
        await appliedBeyond(running.counters().applied + 300)
        isPublishing = false
        await publishing
        await until(() => running.counters().applied >= published)
        assertOnceAndInOrder(await effects(subscriber), published)
        await until(() => sink.health().unresolved === 0)
      } finally {
        await Promise.all([relay.stop(), running.stop()])
        await cluster.close()
        await Promise.all([source.end(), subscriber.end()])
      }
    })
  }

  test('is waited for: the sender says so, and the same messages sent again are there once', {
    timeout: 120_000,
  }, async () => {
    const cluster = freshCluster(kafka)
    const sink = kafkaSink(cluster, { name: 'kafka', partitions: 1, ...singleNode, patienceMs: 200 })
    const { feed } = kafkaTopic(cluster, 'sample', singleNode)
    try {
      await patiently(() => sink.send([relayed(1)]))
      await kafka.kill()
      for (let again = 0; again < 3; again++) await unavailable(sink.send([relayed(2), relayed(3)]))
      // Another batch waits behind the one whose outcome is unknown, and is dropped since nobody waits for it.
      await unavailable(sink.send([relayed(2)]))
      const { unresolved, oldestMs } = sink.health()
      assert.deepEqual([unresolved, oldestMs > 600], [3, true])
      await unavailable(feed.fetch(0, 0n, 10))
      await unavailable(feed.advance())
      await unavailable(feed.open())
      await kafka.restart()
      await patiently(() => sink.send([relayed(2), relayed(3)]))
      await until(() => sink.health().unresolved === 0)
      assert.equal(sink.health().oldestMs, 0)
      await until(async () => (await feed.advance().catch(() => 'idle')) === 'more')
      const { deliveries } = await feed.fetch(0, 0n, 10)
      assert.deepEqual(
        deliveries.map(({ message }) => message.position),
        [1n, 2n, 3n],
      )
    } finally {
      await cluster.close()
    }
  })

  test('does not keep its clients from closing', { timeout: 60_000 }, async () => {
    const cluster = freshCluster(kafka)
    const sink = kafkaSink(cluster, { name: 'kafka', partitions: 1, ...singleNode })
    await patiently(() => sink.send([relayed(1)]))
    const source = kafkaTopic(cluster, 'sample', singleNode)
    await source.feed.advance()
    await kafka.kill()
    try {
      const sending = unavailable(sink.send([relayed(2)]))
      const waiting = source.wakeUp().wait(1000, new AbortController().signal)
      await sleep(200)
      await cluster.close()
      await Promise.all([sending, waiting])
    } finally {
      await kafka.restart()
    }
  })
})

async function made(server: PostgresServer, name: string): Promise<pg.Pool> {
  const url = await newDatabase(server.adminUrl, name)
  const pool = new pg.Pool({ connectionString: url, max: 20 })
  pool.on('error', () => {})
  const owner = await pool.connect()
  await migrate(owner)
  // Without a unique constraint: an effect that happened twice must show.
  await owner.query('CREATE TABLE effect (place bigint GENERATED ALWAYS AS IDENTITY, operation int, key text)')
  owner.release()
  return pool
}

interface Effect {
  readonly operation: number
  readonly key: string
}

async function effects(pool: pg.Pool): Promise<readonly Effect[]> {
  return (await pool.query<{ operation: number; key: string }>('SELECT operation, key FROM effect ORDER BY place')).rows
}

function assertOnceAndInOrder(found: readonly Effect[], published: number): void {
  const doubled = found.length - new Set(found.map(({ operation }) => operation)).size
  assert.deepEqual({ effects: found.length, doubled }, { effects: published, doubled: 0 })
  for (const [key, ofKey] of Map.groupBy(found, (each) => each.key)) {
    const order = ofKey.map(({ operation }) => operation)
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      key,
    )
  }
}

/** The subscription may begin once the topic is there. */
async function sinkIsUsed(sink: KafkaSink): Promise<void> {
  await until(async () => (await sink.partitions(Done.topic).catch(() => 0)) > 0)
}

/** Sends until the broker has it, as a relay does. */
async function patiently(send: () => Promise<void>): Promise<void> {
  await until(() =>
    send().then(
      () => true,
      () => false,
    ),
  )
}

function unavailable(promise: Promise<unknown>): Promise<void> {
  return assert.rejects(promise, (error) => {
    assert.ok(isEstafetError(error, 'UNAVAILABLE'), String(error))
    return true
  })
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not come true within 60 s')
    await sleep(20)
  }
}
