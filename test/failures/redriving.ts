// A subscriber that kills itself at a named step, the n-th time it gets there; once, then it behaves.
import { existsSync, writeFileSync } from 'node:fs'
import { service, start } from 'estafet'
import { on, postgres, postgresLog, type Sql } from 'estafet/postgres'
import { supervised } from 'estafet/supervisor'
import pg from 'pg'
import { Done } from './system.ts'

const said = (name: string): string => process.env[name] ?? ''
const [point, times, marker] = [said('POINT'), Number(said('TIMES')), said('MARKER')]
let left = times

function reach(step: string): void {
  if (step !== point || existsSync(marker)) return
  left -= 1
  if (left > 0) return
  writeFileSync(marker, '')
  process.kill(process.pid, 'SIGKILL')
}

function connect(url: string): pg.Pool {
  const config: pg.PoolConfig & { pipeline: boolean } = { connectionString: url, max: 8, pipeline: true }
  const pool = new pg.Pool(config)
  pool.on('error', () => {})
  return pool
}

const store = postgres(connect(said('SUBSCRIBER_URL')), { idleInTransactionMs: 400 })
const { operations, retries, unitOfWork } = store

const handler = on<{ key: string; number: number }>(
  Done,
  async ({ data }, { tx }) => {
    await tx.query('INSERT INTO effect (key, number) VALUES ($1, $2)', [data.key, data.number])
    reach('in the handler')
  },
  { timeoutMs: 200 },
)

const running = await start(service<Sql>('works', { lanes: 2, batchSize: 50, handlers: [handler] }), {
  store: {
    ...store,
    unitOfWork: {
      async run(work, last) {
        const result = await unitOfWork.run(work, last)
        reach('after commit')
        return result
      },
    },
    retries: {
      ...retries,
      async begin(key, by, heldMs) {
        const attempt = await retries.begin(key, by, heldMs)
        reach('after begin')
        return attempt
      },
      async applied(tx, attempt) {
        reach('before applied')
        await retries.applied(tx, attempt)
        reach('after applied, before commit')
      },
    },
    operations: {
      ...operations,
      redrives: {
        ...operations.redrives,
        async step(subscription) {
          reach('before a step')
          const mayBeMore = await operations.redrives.step(subscription)
          reach('after a step')
          return mayBeMore
        },
      },
    },
  },
  sources: [postgresLog(connect(said('SOURCE_URL')), { source: 'source' })],
  leaseMs: 400,
  logger: { debug() {}, info() {}, warn() {}, error() {} },
})
supervised({ pid: process.pid }, () => running.stop())
