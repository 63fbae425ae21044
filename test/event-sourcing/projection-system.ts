import { setTimeout as sleep } from 'node:timers/promises'
import {
  decider,
  type Logger,
  type Projection,
  type ProjectionStatus,
  type Projections,
  projection,
  type RunningProjections,
  startProjections,
  streamEvent,
  type TableNames,
  when,
} from 'estafet'
import {
  migrate,
  type PostgresStreams,
  postgres,
  postgresStreams,
  project,
  projections,
  projectMany,
  type Sql,
} from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../../engines/postgres/provision.ts'
import type { PostgresServer } from '../../engines/postgres/server.ts'

/** Money that went in and out of accounts, the smallest thing of which a sum must be exact. */
export const Booked = streamEvent('Booked', { version: 1, schema: z.object({ amount: z.int() }) })
export const Account = decider<number, number>('account', {
  initial: 0,
  decide: (amount) => Booked({ amount }),
  evolve: [when(Booked, (sum: number, { amount }) => sum + amount)],
  snapshotEvery: 0,
})

export const said: string[] = []
const note = (text: string, fields?: object): void => void said.push(`${text} ${JSON.stringify(fields ?? {})}`)
export const logger: Logger = { debug: note, info: note, warn: note, error: note }

export type BalancesOptions = Partial<Parameters<typeof projection<Sql>>[1]>

/**
 * Balances by account, and how many bookings there were. The second version counts in cents and downwards, and has a column
 * more: a reader that sees tables of two versions at once can tell.
 */
export function balances(version: number, more: BalancesOptions = {}): Projection<Sql> {
  return projection<Sql>('balances', {
    ...{ version, tables: ['balance', 'booking_count'], streams: ['account'] },
    async setUp(tx, table) {
      const extra = version > 1 ? ', cents boolean NOT NULL DEFAULT true' : ''
      await tx.query(`CREATE TABLE ${table('balance')} (id text PRIMARY KEY, amount int NOT NULL${extra})`)
      await tx.query(`CREATE TABLE ${table('booking_count')} (one boolean PRIMARY KEY, n int NOT NULL)`)
      await tx.query(`INSERT INTO ${table('booking_count')} VALUES (true, 0)`)
    },
    handlers: [project(Booked, version > 1 ? bookInCents : book)],
    ...more,
  })
}

type Handle = Parameters<typeof project<{ amount: number }>>[1]

export const book: Handle = ({ key, data }, { tx, table }) => add(tx, table, key, data.amount, 1)
export const bookInCents: Handle = ({ key, data }, { tx, table }) => add(tx, table, key, data.amount * 100, -1)

/** The same, with one statement for many events. */
export function setsOf(version: number): BalancesOptions {
  const [factor, step] = version > 1 ? [100, -1] : [1, 1]
  const handler = projectMany<{ amount: number }>(Booked, async (events, { tx, table }) => {
    await tx.query(
      `INSERT INTO ${table('balance')} AS b (id, amount)
        SELECT id, sum(amount) FROM unnest($1::text[], $2::int[]) AS u (id, amount) GROUP BY id
        ON CONFLICT (id) DO UPDATE SET amount = b.amount + excluded.amount`,
      [events.map(({ key }) => key), events.map(({ data }) => data.amount * factor)],
    )
    await tx.query(`UPDATE ${table('booking_count')} SET n = n + $1::int`, [events.length * step])
  })
  return { handlers: [handler], batchSize: 100, lanes: 2 }
}

async function add(tx: Sql, table: TableNames, key: string, amount: number, step: number): Promise<void> {
  await tx.query(
    `INSERT INTO ${table('balance')} AS b (id, amount) VALUES ($1, $2)
      ON CONFLICT (id) DO UPDATE SET amount = b.amount + excluded.amount`,
    [key, amount],
  )
  await tx.query(`UPDATE ${table('booking_count')} SET n = n + $1::int`, [step])
}

/** One database with streams and read models. */
export interface ProjectionSystem {
  readonly url: string
  readonly pool: pg.Pool
  readonly streams: PostgresStreams
  readonly people: Projections<Sql>
  start(of: readonly Projection<Sql>[]): Promise<RunningProjections>
  /** Starts one, and resolves once readers see it: what stops or is parked before that keeps it from them. */
  serving(of: Projection<Sql>): Promise<RunningProjections>
  /** Waits until something holds. */
  until(what: string, holds: () => Promise<boolean>): Promise<void>
  status(projection: string, version: number, build?: number): Promise<ProjectionStatus | undefined>
  stop(): Promise<void>
}

let databases = 0

export async function projectionSystem(server: PostgresServer, name = 'projections'): Promise<ProjectionSystem> {
  const url = await newDatabase(server.adminUrl, `${name}_${databases++}`)
  const config: pg.PoolConfig & { pipeline: boolean } = { connectionString: url, max: 25, pipeline: true }
  const pool = new pg.Pool(config)
  pool.on('error', () => {})
  const owner = await pool.connect()
  await migrate(owner)
  owner.release()
  const streams = postgresStreams(pool, { service: 'bank', logger })
  const people = projections(pool)
  const started: RunningProjections[] = []
  const start: ProjectionSystem['start'] = async (of) => {
    const running = await startProjections(of, {
      ...reading,
      ...{ store: postgres(pool), projections: people, logger },
      events: streams.log,
    })
    started.push(running)
    return running
  }
  const status: ProjectionSystem['status'] = async (projection, version, build = 1) =>
    (await people.list()).find((one) => one.projection === projection && one.version === version && one.build === build)
  return {
    ...{ url, pool, streams, people, start, until, status },
    async serving(of) {
      const running = await start([of])
      await until('it serves', async () => (await status(of.name, of.version))?.state === 'serving')
      return running
    },
    async stop() {
      await Promise.all(started.map((running) => running.stop(2_000)))
      await pool.end()
    },
  }
}

export const reading = {
  ...{ lookMs: 20, leaseMs: 1_000 },
  pace: { hotMs: 2, busyMs: 5, idleMs: 20 },
  backOff: { firstMs: 10, maxMs: 50 },
}

export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!(await holds())) {
    if (performance.now() > deadline)
      throw new Error(`It never came true: ${what}. The log ends:\n${said.slice(-20).join('\n')}`)
    await sleep(10)
  }
}

export interface Folded {
  readonly balances: Record<string, number>
  readonly n: number
}

/** Folds the events again, by a program that has nothing in common with the toolkit but the view of the events. */
export async function foldedByHand(pool: pg.Pool): Promise<Folded> {
  const { rows } = await pool.query<{ id: string; data: { amount: number } }>(
    `SELECT aggregate_id AS id, event_data AS data FROM estafet.event_store WHERE aggregate_type = 'account'`,
  )
  const sums: Record<string, number> = {}
  for (const { id, data } of rows) sums[id] = (sums[id] ?? 0) + data.amount
  return { balances: sums, n: rows.length }
}

/** What readers see, in one statement. */
export async function read(sql: Pick<pg.Pool, 'query'>): Promise<Folded> {
  const { rows } = await sql.query<{ balances: Record<string, number> | null; n: number }>({
    name: 'read-all',
    text: `SELECT (SELECT json_object_agg(id, amount) FROM balance) AS balances, (SELECT n FROM booking_count) AS n`,
  })
  return { balances: rows[0]?.balances ?? {}, n: rows[0]?.n ?? 0 }
}

/** The same as the second version shows it. */
export function inCents({ balances, n }: Folded): Folded {
  return { balances: Object.fromEntries(Object.entries(balances).map(([id, sum]) => [id, sum * 100])), n: -n }
}
