// A subscriber two of whose messages end its process: one kills it, one blocks its event loop for ever.
import { service, start } from 'estafet'
import { on, postgres, postgresLog, type Sql } from 'estafet/postgres'
import { supervised } from 'estafet/supervisor'
import pg from 'pg'
import { Done } from './system.ts'

const [source, subscriber] = ['SOURCE_URL', 'SUBSCRIBER_URL'].map((name) => {
  const pool = new pg.Pool({ connectionString: process.env[name] ?? '', max: 8 })
  pool.on('error', () => {})
  return pool
})
if (source === undefined || subscriber === undefined) throw new Error('SOURCE_URL and SUBSCRIBER_URL are missing')

const handler = on<{ key: string; number: number }>(
  Done,
  async ({ data }, { tx }) => {
    await tx.query('INSERT INTO effect (key, number) VALUES ($1, $2)', [data.key, data.number])
    if (data.key === 'abort' && data.number === 2) process.abort()
    if (data.key === 'block' && data.number === 2) for (;;);
  },
  { timeoutMs: 300 },
)

const running = await start(service<Sql>('works', { lanes: 2, batchSize: 50, handlers: [handler] }), {
  store: postgres(subscriber, { idleInTransactionMs: 600 }),
  sources: [postgresLog(source, { source: 'source' })],
  leaseMs: 600,
  logger: { debug() {}, info() {}, warn() {}, error() {} },
})
supervised({ pid: process.pid }, () => running.stop())
