// What a relay brings to Kafka in a second, beside the bare client with the same records: read from a log and prepared,
// against prepared before the clock starts. In turns, on one broker and one database.
//   node --conditions=estafet-source bench/kafka.ts [messages] [rounds]
import * as library from '@platformatic/kafka'
import { event, type Logger, startRelay } from 'estafet'
import { kafkaCluster, kafkaSink } from 'estafet/kafka'
import { migrate, postgres, postgresLog } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { temporaryKafka } from '../engines/kafka/server.ts'
import { temporaryPostgres } from '../engines/postgres/server.ts'

const [messages = 100_000, rounds = 3] = process.argv.slice(2).map(Number)
const partitions = 6
const batch = 500
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }
const Placed = event('order.placed', {
  version: 1,
  schema: z.object({ order: z.number(), note: z.string() }),
  key: ({ order }) => `customer-${order % 1000}`,
})

const [postgresServer, kafkaServer] = await Promise.all([temporaryPostgres(), temporaryKafka()])
const pool = new pg.Pool({ connectionString: postgresServer.adminUrl, max: 8 })
pool.on('error', () => {})
try {
  const owner = await pool.connect()
  await migrate(owner)
  owner.release()
  await fill()
  // As the server does by itself after a while; until then it sorts all that is unread for each batch.
  await pool.query('ANALYZE estafet.outbox')
  const rates: { relay: number[]; bare: number[]; bareWithHeaders: number[] } = {
    relay: [],
    bare: [],
    bareWithHeaders: [],
  }
  await bare(-1, 0)
  for (let round = 0; round < rounds; round++) {
    rates.relay.push(await relay(round))
    rates.bare.push(await bare(round, 0))
    rates.bareWithHeaders.push(await bare(round, 14))
  }
  const { version } = process
  console.log(
    `Node ${version}, Kafka 4.1.0, ${messages} messages of about 200 B, ${partitions} partitions, batches of ${batch}`,
  )
  for (const [name, of] of Object.entries(rates)) {
    const sorted = of.map(Math.round).sort((a, b) => a - b)
    console.log(`${name.padEnd(16)} ${sorted.join(' … ')} messages/s`)
  }
} finally {
  await pool.end()
  await Promise.all([postgresServer.stop(), kafkaServer.stop()])
}

async function fill(): Promise<void> {
  const store = postgres(pool)
  for (let order = 0; order < messages; ) {
    await store.transaction(async (_, publish) => {
      for (let n = 0; n < 1000 && order < messages; n++) publish(Placed({ order: order++, note: 'x'.repeat(170) }))
    })
  }
}

async function relay(round: number): Promise<number> {
  const cluster = kafkaCluster(library, { bootstrapBrokers: [kafkaServer.bootstrap], topicPrefix: `relay-${round}.` })
  const sink = kafkaSink(cluster, { name: `round-${round}`, partitions, replicas: 1, allow: ['one-replica'] })
  await sink.partitions(Placed.topic)
  const source = postgresLog(pool, { source: 'orders' })
  const begun = performance.now()
  const running = await startRelay({ source, store: postgres(pool), sink, batchSize: batch, logger: silent })
  while (running.counters().applied < messages) await new Promise((resolve) => setTimeout(resolve, 1))
  const seconds = (performance.now() - begun) / 1000
  await running.stop()
  await cluster.close()
  return messages / seconds
}

async function bare(round: number, headers: number): Promise<number> {
  const topic = `bare-${round}-${headers}`
  const client = { clientId: 'bench', bootstrapBrokers: [kafkaServer.bootstrap] }
  const admin = new library.Admin({ ...client, retries: 10 })
  await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
  await admin.close()
  const producer = new library.Producer({ ...client, idempotent: true, retryDelay: 100 })
  const many = Array.from(
    { length: headers },
    (_, at) => [Buffer.from(`ce_header${at}`), Buffer.from('x'.repeat(24))] as const,
  )
  const value = Buffer.from('x'.repeat(200))
  const records = Array.from({ length: messages }, (_, order) => ({
    ...{
      topic,
      partition: order % partitions,
      key: Buffer.from(`customer-${order % 1000}`),
      value,
      headers: new Map(many),
    },
  }))
  const begun = performance.now()
  for (let at = 0; at < records.length; at += batch) await producer.send({ messages: records.slice(at, at + batch) })
  const seconds = (performance.now() - begun) / 1000
  await producer.close()
  return messages / seconds
}
