import { setTimeout as sleep } from 'node:timers/promises'
import { event, type Handler, type OnDeadLetter, type Running, service, start } from 'estafet'
import { migrate, postgres, postgresLog, type Sql } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'

/** A numbered step of something with a key. */
export const Done = event('work.done', {
  version: 1,
  schema: z.object({ key: z.string(), number: z.number() }),
  key: ({ key }) => key,
})

/** A source's and a subscriber's database on a PostgreSQL of their own, with a journal of effects. */
export interface FailureSystem {
  readonly subscriber: pg.Pool
  readonly source: pg.Pool
  url(database: 'source' | 'subscriber'): string
  publish(...steps: readonly (readonly [key: string, number: number])[]): Promise<void>
  /** Starts the subscriber in this process; it is stopped with the system. */
  begin(
    handlers: readonly Handler<Sql>[],
    options?: Partial<Parameters<typeof start<Sql>>[1]>,
    onDeadLetter?: OnDeadLetter,
  ): Promise<Running>
  /** What took effect, in order: of a key, or of all. */
  effects(key?: string): Promise<readonly number[]>
  /** Writes the effect of a step, as a handler does. */
  note(tx: Sql, step: { readonly key: string; readonly number: number }): Promise<void>
  parked(): Promise<readonly { state: string; key: string; number: number; error_name: string | null }[]>
  stop(): Promise<void>
}

const silent = { debug() {}, info() {}, warn() {}, error() {} }

export async function failureSystem(): Promise<FailureSystem> {
  const server = await temporaryPostgres({ settings: { fsync: 'off' } })
  const [source, subscriber] = [await made(server, 'source'), await made(server, 'subscriber')]
  await subscriber.query(
    'CREATE TABLE effect (place bigint GENERATED ALWAYS AS IDENTITY, key text, number int, at timestamptz DEFAULT clock_timestamp())',
  )
  const store = postgres(source)
  const runnings: Running[] = []
  return {
    ...{ source, subscriber },
    url: (database) => urlOf(server, database),
    async publish(...steps) {
      await store.transaction(async (_, write) => write(...steps.map(([key, number]) => Done({ key, number }))))
    },
    async begin(handlers, options = {}, onDeadLetter = () => []) {
      const running = await start(service('works', { handlers, lanes: 2, batchSize: 50, onDeadLetter }), {
        store: postgres(subscriber),
        sources: [postgresLog(source, { source: 'source' })],
        logger: silent,
        leaseMs: 2_000,
        ...options,
      })
      runnings.push(running)
      return running
    },
    async effects(key) {
      const { rows } = await subscriber.query<{ number: number }>(
        'SELECT number FROM effect WHERE $1::text IS NULL OR key = $1 ORDER BY place',
        [key ?? null],
      )
      return rows.map(({ number }) => number)
    },
    async note(tx, { key, number }) {
      await tx.query('INSERT INTO effect (key, number) VALUES ($1, $2)', [key, number])
    },
    async parked() {
      const { rows } = await subscriber.query<{
        state: string
        key: string
        number: number
        error_name: string | null
      }>(
        `SELECT state, key, (convert_from(payload, 'UTF8')::json->>'number')::int AS number, error_name
         FROM estafet.parked_message WHERE state IN ('waiting', 'retrying', 'dead') ORDER BY 3, 2`,
      )
      return rows
    },
    async stop() {
      await Promise.all(runnings.map((running) => running.stop()))
      await Promise.all([source.end(), subscriber.end()])
      await server.stop()
    },
  }
}

/** Waits for what must come; a test that waits for ever is ended by its runner. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(10)
}

async function made(server: PostgresServer, database: string): Promise<pg.Pool> {
  const url = await newDatabase(server.adminUrl, database)
  const config: pg.PoolConfig & { pipeline: boolean } = {
    connectionString: url,
    max: 12,
    pipeline: true,
  }
  const pool = new pg.Pool(config)
  pool.on('error', () => {})
  const owner = await pool.connect()
  await migrate(owner)
  owner.release()
  return pool
}

function urlOf(server: PostgresServer, database: string): string {
  const url = new URL(server.adminUrl)
  url.pathname = `/${database}`
  return url.href
}
