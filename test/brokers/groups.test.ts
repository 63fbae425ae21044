import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as library from '@platformatic/kafka'
import { event, type FeedSource, type RelayedMessage, type Running, type Sink, service, start } from 'estafet'
import { type KafkaCluster, kafkaCluster, kafkaSink, kafkaTopic } from 'estafet/kafka'
import { redisSink, redisTopic } from 'estafet/redis'
import { on, type SqliteStore, type SqliteTransaction, sqlite } from 'estafet/sqlite'
import * as z from 'zod'
import { howToGetKafka, kafkaInstallation } from '../../engines/kafka/installation.ts'
import { temporaryKafka } from '../../engines/kafka/server.ts'
import { findRedis, howToGetRedis } from '../../engines/redis/binaries.ts'
import { temporaryRedis } from '../../engines/redis/server.ts'
import { sample } from '../../src/contract/message.ts'
import { singleNode } from '../contract/kafka-driver.ts'
import { connected } from '../contract/redis-driver.ts'
import { type SqliteContract, sqliteContract } from '../contract/sqlite-driver.ts'
import { silent } from '../ops/served.ts'

// Subscriptions beside each other on one topic, and topics of one name beside each other on one broker.

const topic = 'sample'
const partitions = 4

/** A broker that others use, too; `prefix` keeps what is ours apart. */
interface Broker {
  sink(prefix: string): Sink
  source(prefix: string, group: string): FeedSource
  stop(): Promise<void>
}

const brokers: Readonly<Record<string, { readonly skip: string | false; open(): Promise<Broker> }>> = {
  Kafka: {
    skip: kafkaInstallation() === null ? `get it by: ${howToGetKafka}` : false,
    async open() {
      const server = await temporaryKafka()
      const clusters = new Map<string, KafkaCluster>()
      const cluster = (prefix: string): KafkaCluster => {
        const options = { bootstrapBrokers: [server.bootstrap], topicPrefix: `${prefix}.` }
        const known = clusters.get(prefix) ?? kafkaCluster(library, options)
        clusters.set(prefix, known)
        return known
      }
      return {
        sink: (prefix) => kafkaSink(cluster(prefix), { name: 'kafka', partitions, ...singleNode }),
        source: (prefix, group) => kafkaTopic(cluster(prefix), topic, { allow: singleNode.allow, group }),
        async stop() {
          await Promise.all([...clusters.values()].map((each) => each.close()))
          await server.stop()
        },
      }
    },
  },
  Redis: {
    skip: findRedis() === null ? `no redis-server was found: ${howToGetRedis}` : false,
    async open() {
      const server = await temporaryRedis()
      const client = await connected(server)
      return {
        sink: (prefix) => redisSink(client, { name: 'redis', prefix, shards: partitions }),
        source: (prefix, group) => redisTopic(client, { topic, prefix, group }),
        async stop() {
          client.destroy()
          await server.stop()
        },
      }
    },
  },
}

const Taken = event('sample.taken', { version: 1, schema: z.object({ number: z.number() }), key: String })
const reading = { leaseMs: 1_000, pace: { hotMs: 2, busyMs: 5, idleMs: 20 }, logger: silent }

for (const [name, { skip, open }] of Object.entries(brokers)) {
  describe(`subscriptions over ${name}`, { skip }, () => {
    let broker: Broker
    let databases: SqliteContract
    const stores: SqliteStore[] = []
    const members: Running[] = []
    before(async () => {
      databases = sqliteContract()
      broker = await open()
    })
    after(async () => {
      await Promise.all(members.map((each) => each.stop(1_000)))
      await Promise.all(stores.map((each) => each.close()))
      await databases.stop()
      await broker.stop()
    })

    async function database(): Promise<SqliteStore> {
      const store = sqlite(await databases.file())
      stores.push(store)
      return store
    }

    /** A process of a subscription, whose effects say who it was. */
    async function member(
      store: SqliteStore,
      of: { readonly prefix: string; readonly group: string; readonly name?: string; readonly startAt?: 'now' },
    ): Promise<Running> {
      const subscription = service<SqliteTransaction>(of.group, {
        handlers: [
          on(Taken, async ({ data }, { tx }) => {
            tx.run('INSERT INTO effect (says) VALUES (?)', `${of.name ?? of.group} ${data.number}`)
          }),
        ],
      })
      const more = of.startAt === undefined ? {} : { startAt: of.startAt }
      const sources = [broker.source(of.prefix, of.group)]
      const running = await start(subscription, { ...reading, ...more, store, sources })
      members.push(running)
      return running
    }

    test('two groups each get all; two members of one share it, all of it and nothing twice', async () => {
      const prefix = 'groups'
      const sender = senderTo(broker.sink(prefix))
      await sender.send(0)
      const [billing, shipping] = [await database(), await database()]
      await member(billing, { prefix, group: 'billing', name: 'one' })
      await member(billing, { prefix, group: 'billing', name: 'two' })
      await member(shipping, { prefix, group: 'shipping' })
      // Until each member has a share: which of them began first took all.
      await until(async () => {
        await sender.send(partitions)
        return new Set((await effects(billing)).map(({ who }) => who)).size
      }, 2)
      await sender.send(5 * partitions)
      for (const store of [billing, shipping]) {
        await until(async () => (await effects(store)).length >= sender.sent().length, true)
        const all = await effects(store)
        assert.deepEqual(ascending(all.map(({ number }) => number)), sender.sent())
        for (let partition = 0; partition < partitions; partition++) {
          const own = all.map(({ number }) => number).filter((number) => number % partitions === partition)
          assert.deepEqual(own, ascending(own), 'in order')
        }
      }
      assert.deepEqual(new Set((await effects(shipping)).map(({ who }) => who)), new Set(['shipping']))
    })

    test("a group that begins 'now' gets what comes later, and goes on from its place when it is back", async () => {
      const prefix = 'starts'
      const sender = senderTo(broker.sink(prefix))
      await sender.send(8)
      const [early, late] = [await database(), await database()]
      await member(early, { prefix, group: 'early' })
      await until(async () => (await effects(early)).length, 8)
      const begun = await member(late, { prefix, group: 'late', startAt: 'now' })
      await until(() => lanes(late), partitions)
      await sender.send(4)
      await until(async () => (await effects(late)).length, 4)
      await begun.stop(1_000)
      await sender.send(4)
      await member(late, { prefix, group: 'late', startAt: 'now' })
      await until(async () => (await effects(late)).length, 8)
      await until(async () => (await effects(early)).length, 16)
      assert.deepEqual(ascending((await effects(late)).map(({ number }) => number)), sender.sent().slice(8))
      assert.deepEqual(ascending((await effects(early)).map(({ number }) => number)), sender.sent())
    })

    test('topics of one name under two prefixes have nothing of each other', async () => {
      const [mine, theirs] = [senderTo(broker.sink('mine'), 1), senderTo(broker.sink('theirs'), 1_001)]
      await mine.send(6)
      await theirs.send(3)
      const [store, other] = [await database(), await database()]
      await member(store, { prefix: 'mine', group: 'g' })
      await member(other, { prefix: 'theirs', group: 'g' })
      await until(async () => (await effects(store)).length >= 6 && (await effects(other)).length >= 3, true)
      await mine.send(2)
      await until(async () => (await effects(store)).length, 8)
      assert.deepEqual(ascending((await effects(store)).map(({ number }) => number)), mine.sent())
      assert.deepEqual(ascending((await effects(other)).map(({ number }) => number)), theirs.sent())
    })
  })
}

/** Sends messages of the numbers that follow, each in the partition of its number, as a relay does. */
function senderTo(sink: Sink, first = 1) {
  const sent: number[] = []
  const last = new Map<number, number>()
  return {
    sent: (): readonly number[] => sent,
    async send(count: number): Promise<void> {
      await sink.partitions(topic)
      const messages = Array.from({ length: count }, (): RelayedMessage => {
        const number = first + sent.length
        const partition = number % partitions
        const previous = last.get(partition) ?? 0
        sent.push(number)
        last.set(partition, number)
        const place = { source: 'orders', epoch: 'e1', position: BigInt(number), time: '2026-01-02T03:04:05.678Z' }
        return { message: { ...sample(number), ...place }, partition, previous: BigInt(previous) }
      })
      if (count > 0) await sink.send(messages)
    },
  }
}

interface Effect {
  readonly who: string
  readonly number: number
}

/** What took effect, in order. */
function effects(store: SqliteStore): Promise<readonly Effect[]> {
  return store.transaction(async (tx) =>
    tx.all('SELECT says FROM effect ORDER BY place').map(({ says }) => {
      const [who = '', number = ''] = String(says).split(' ')
      return { who, number: Number(number) }
    }),
  )
}

function lanes(store: SqliteStore): Promise<number> {
  return store.transaction(async (tx) => Number(tx.get('SELECT count(*) AS count FROM estafet_lane')?.['count']))
}

const ascending = (numbers: readonly number[]): readonly number[] => numbers.toSorted((one, other) => one - other)

/** Asks until the answer is as wanted. */
async function until(look: () => Promise<unknown>, wanted: unknown): Promise<void> {
  const deadline = performance.now() + 60_000
  for (let value = await look(); value !== wanted; value = await look()) {
    assert.ok(performance.now() < deadline, `still ${JSON.stringify(value)}`)
    await sleep(20)
  }
}
