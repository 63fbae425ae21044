import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin, Producer, stringSerializers } from '@platformatic/kafka'
import { type FeedSource, rejected, type Sink, service, start, startRelay } from 'estafet'
import { kafkaSink, kafkaTopic } from 'estafet/kafka'
import { serveOps } from 'estafet/ops'
import { on, postgresLog, type Sql } from 'estafet/postgres'
import { redisSink, redisTopic, trimRedisTopic } from 'estafet/redis'
import * as z from 'zod'
import { howToGetKafka, kafkaInstallation } from '../../engines/kafka/installation.ts'
import { temporaryKafka } from '../../engines/kafka/server.ts'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { findRedis, howToGetRedis } from '../../engines/redis/binaries.ts'
import { temporaryRedis } from '../../engines/redis/server.ts'
import { freshCluster, singleNode } from '../contract/kafka-driver.ts'
import { connected } from '../contract/redis-driver.ts'
import { parkedServer } from '../ops/parked-world.ts'
import { type Asked, ask, Placed, silent, tokens } from '../ops/served.ts'

// What a person can do about a subscription that a broker feeds, and what is refused because the broker cannot do it.

interface Broker {
  readonly sink: Sink
  readonly source: FeedSource
  /** Removes all that the topic holds but the last of each partition, as its retention would. */
  remove(): Promise<void>
  stop(): Promise<void>
}

const partitions = 3
const topic = 'order'

const brokers: Readonly<Record<string, { readonly skip: string | false; open(): Promise<Broker> }>> = {
  Kafka: {
    skip: kafkaInstallation() === null ? `get it by: ${howToGetKafka}` : false,
    async open() {
      const server = await temporaryKafka()
      const cluster = freshCluster(server)
      const { feed, wakeUp } = kafkaTopic(cluster, topic, { allow: singleNode.allow })
      return {
        sink: kafkaSink(cluster, { name: 'kafka', partitions, ...singleNode }),
        source: { feed, wakeUp },
        async remove() {
          const admin = new Admin({
            clientId: 'tools',
            bootstrapBrokers: [server.bootstrap],
            retries: 10,
            retryDelay: 100,
          })
          const ends = (await feed.ends()).map((end, partition) => ({ partition, offset: end - 1n }))
          await admin.deleteRecords({ topics: [{ name: cluster.topicName(topic), partitions: ends }] })
          await admin.close()
        },
        async stop() {
          await cluster.close()
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
      let removed = 0
      return {
        sink: redisSink(client, { name: 'redis', shards: partitions }),
        source: redisTopic(client, { topic, group: 'invoicing' }),
        // The group follows a moment later.
        remove: () =>
          until(async () => {
            for (const shard of await trimRedisTopic(client, { topic, keep: 1 })) removed += shard.removed
            return removed
          }, 15 - partitions),
        async stop() {
          client.destroy()
          await server.stop()
        },
      }
    },
  },
}

for (const [name, { skip, open }] of Object.entries(brokers)) {
  const [binaries] = allPostgres()
  describe(`a subscription fed by ${name}`, { skip: binaries === undefined ? 'no PostgreSQL was found' : skip }, () => {
    test('is mended, searched and replayed like any other, and what its topic cannot do is refused', async () => {
      if (binaries === undefined) return
      const [broker, server] = await Promise.all([open(), parkedServer(binaries)])
      const world = await server.fresh()
      let isMended = false
      const invoicing = service<Sql>('invoicing', {
        handlers: [
          on(Placed, async ({ data }, { tx }) => {
            if (!isMended && data.total > 10) throw rejected('the total is too high')
            const values = [data.id]
            await tx.query(
              'INSERT INTO invoice VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET total = invoice.total + 1',
              values,
            )
          }),
        ],
      })
      const options = { store: world.store, logger: silent, leaseMs: 3000 }
      const relay = await startRelay({
        ...options,
        source: postgresLog(world.pool, { source: 'orders' }),
        sink: broker.sink,
      })
      const running = await start(invoicing, { ...options, sources: [broker.source] })
      const much = { rate: { perSecond: 1e6, burst: 1e6 }, guesses: { perSecond: 1e6, burst: 1e6 } }
      const facts = { service: invoicing, running, store: world.store, events: [Placed] }
      const api = await serveOps({ ...facts, ...much, tokens, logger: silent })
      const post = (path: string, body: object): Promise<Asked> => ask(api.url, 'POST', path, { body })
      const publish = async (from: number, to: number): Promise<void> => {
        for (let at = from; at < to; at++) {
          const order = Placed({ id: `o${at}`, total: at % 5 === 0 ? 99 : 1 })
          await world.store.transaction(async (_, write) => write(order))
        }
      }
      const effects = async (): Promise<string> => {
        const { rows } = await world.pool.query<{ says: string }>(
          `SELECT count(*) || ' invoices, ' || coalesce(sum(total), 0) || ' times' AS says FROM invoice`,
        )
        return rows[0]?.says ?? ''
      }
      const path = `/subscriptions/${encodeURIComponent('topic:order')}/replay`
      const replay = async (from: object): Promise<unknown> => {
        const looked = await post(`${path}/preview`, from)
        assert.equal(looked.status, 200, looked.text)
        const preview = counted.parse(looked.body)
        const done = await post(path, { ...from, expect: preview.count, reached: preview.reached, reason: 'tested' })
        return [preview.count, outcome.parse(done.body).outcome]
      }
      try {
        await publish(0, 15)
        await until(effects, '12 invoices, 12 times')
        await until(async () => counted.parse((await post('/redrives', {})).body).count, 3)
        isMended = true
        assert.equal((await post('/redrives', { expect: 3, reason: 'mended', requestId: 'r' })).status, 200)
        await until(effects, '15 invoices, 15 times')
        const found = listed.parse((await ask(api.url, 'GET', '/log/messages?key=o7')).body)
        assert.deepEqual(
          found.items.map(({ key }) => key),
          ['o7'],
        )

        assert.deepEqual(await replay({ to: '0' }), [15, 'done'])
        await until(effects, '15 invoices, 30 times')
        // One number for three partitions: each would begin somewhere else, and nobody could say where.
        for (const [way, more] of [
          ['/preview', {}],
          ['', { expect: 1 }],
        ] as const) {
          const refused = await post(`${path}${way}`, { to: '2', ...more })
          assert.deepEqual([refused.status, error.parse(refused.body).error.code], [422, 'UNSUPPORTED'])
          assert.match(error.parse(refused.body).error.message, /3 partitions of topic:order.*Say 0 .* or a time/)
        }

        await broker.remove()
        await publish(15, 30)
        await until(effects, '30 invoices, 45 times')
        const [half] = listed.parse((await ask(api.url, 'GET', '/log/messages?key=o15')).body).items
        assert.deepEqual(await replay({ time: half?.time }), [15, 'done'])
        await until(effects, '30 invoices, 60 times')
        // Whether what was removed belongs to it, nobody can say any more.
        for (const from of [{ time: '2000-01-01T00:00:00Z' }, { to: '0' }]) {
          const gone = await post(`${path}/preview`, from)
          assert.deepEqual([gone.status, error.parse(gone.body).error.code], [409, 'GAP'], gone.text)
          assert.match(error.parse(gone.body).error.message, /of topic:order was removed.*Say a time after/)
        }
        assert.equal(await effects(), '30 invoices, 60 times')
      } finally {
        await api.close()
        await Promise.all([running.stop(1000), relay.stop(1000)])
        await server.stop()
        await broker.stop()
      }
    })
  })
}

describe('a subscription to what others send over Kafka', { skip: brokers['Kafka']?.skip ?? false }, () => {
  test('is replayed, and what was sent again under its id is dropped each time', async () => {
    const [binaries] = allPostgres()
    assert.ok(binaries)
    const [kafka, server] = await Promise.all([temporaryKafka(), parkedServer(binaries)])
    const world = await server.fresh()
    const cluster = freshCluster(kafka)
    await kafkaSink(cluster, { name: 'kafka', partitions: 1, ...singleNode }).partitions(topic)
    const options = { clientId: 'others', bootstrapBrokers: [kafka.bootstrap], retries: 20, retryDelay: 100 }
    const producer = new Producer({ ...options, serializers: stringSerializers })
    const headers = { ce_specversion: '1.0', ce_id: 'e-1', ce_source: '/others', ce_type: Placed.type }
    const record = { topic: cluster.topicName(topic), key: 'o1', value: '{"id":"o1","total":1}', headers }
    const another = { ...record, key: 'o2', value: '{"id":"o2","total":1}', headers: { ...headers, ce_id: 'e-2' } }
    const invoicing = service<Sql>('invoicing', {
      handlers: [
        on(Placed, async ({ data }, { tx }) => {
          const counts = 'INSERT INTO invoice VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET total = invoice.total + 1'
          await tx.query(counts, [data.id])
        }),
      ],
    })
    const sources = [kafkaTopic(cluster, topic, { allow: singleNode.allow })]
    const running = await start(invoicing, { store: world.store, sources, logger: silent })
    const facts = { service: invoicing, running, store: world.store, events: [Placed] }
    const api = await serveOps({ ...facts, tokens, logger: silent })
    try {
      await producer.send({ messages: [record, record, another] })
      const effects = async (): Promise<string> => {
        const { rows } = await world.pool.query<{ says: string }>(
          `SELECT coalesce(string_agg(id || ' ' || total, ', ' ORDER BY id), '') AS says FROM invoice`,
        )
        return rows[0]?.says ?? ''
      }
      const path = `/subscriptions/${encodeURIComponent('topic:order')}/replay`
      const replay = async (to: string): Promise<number> => {
        const looked = await ask(api.url, 'POST', `${path}/preview`, { body: { to } })
        assert.equal(looked.status, 200, looked.text)
        const { count, reached } = counted.parse(looked.body)
        const done = await ask(api.url, 'POST', path, { body: { to, expect: count, reached, reason: 'tested' } })
        assert.equal(outcome.parse(done.body).outcome, 'done', done.text)
        return count
      }
      for (const [times, messages] of [
        [1, 3],
        [2, 4],
      ] as const) {
        await until(effects, `o1 ${times}, o2 ${times}`)
        await until(async () => running.counters().duplicates, 2 * times - 1)
        assert.equal(await replay('0'), messages)
        await until(effects, `o1 ${times + 1}, o2 ${times + 1}`)
        // Sent once more after its history came again, it is still known.
        await producer.send({ messages: [record] })
      }
      await until(async () => running.counters().duplicates, 6)
      assert.equal(await effects(), 'o1 3, o2 3')
      // One partition has one order of positions: after the second comes the other message, and what was sent again.
      assert.equal(await replay('2'), 3)
      await until(effects, 'o1 3, o2 4')
      await until(async () => running.counters().duplicates, 8)
    } finally {
      await producer.close(true)
      await api.close()
      await running.stop(1000)
      await cluster.close()
      await Promise.all([kafka.stop(), server.stop()])
    }
  })
})

const counted = z.object({ count: z.number(), reached: z.array(z.string()).optional() })
const outcome = z.object({ outcome: z.string() })
const listed = z.object({ items: z.array(z.object({ key: z.string(), time: z.string() })) })
const error = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

/** Asks until the answer is as wanted. */
async function until(look: () => Promise<unknown>, wanted: unknown): Promise<void> {
  const deadline = performance.now() + 60_000
  for (let value = await look(); value !== wanted; value = await look()) {
    assert.ok(performance.now() < deadline, `still ${JSON.stringify(value)}`)
    await sleep(20)
  }
}
