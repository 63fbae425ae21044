import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Projection, projection, streamEvent, type TableNames } from 'estafet'
import { project, projectMany, type Sql } from 'estafet/postgres'
import type pg from 'pg'
import * as z from 'zod'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { type ProjectionSystem, projectionSystem } from './projection-system.ts'

// What is put and what is taken, in any order: a sum that must be exact, and the last of each that must be the last.
const schema = z.object({ amount: z.int() })
const Put = streamEvent('Put', { version: 1, schema })
const Taken = streamEvent('Taken', { version: 1, schema })

describe('a read model that is folded in sets', () => {
  let server: PostgresServer
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => server.stop())

  async function within(work: (system: ProjectionSystem) => Promise<void>): Promise<void> {
    const system = await projectionSystem(server, 'many')
    try {
      await work(system)
    } finally {
      await system.stop()
    }
  }

  test('is the one that is folded one by one, row by row, wherever its batches end', () =>
    within(async (system) => {
      const last = await append(system, 700)
      const each = stock('each', { batchSize: 50 })
      const sets = [1, 7, 100, 1_000].map((batchSize) => stock('set', { batchSize }))
      const lanes = stock('set', { batchSize: 100, lanes: 3 })
      await system.start([each, ...sets, lanes])
      for (const { name } of [each, ...sets, lanes]) await system.people.waitFor(name, last, { timeoutMs: 60_000 })
      const wanted = await rowsOf(system.pool, each)
      assert.equal(wanted.length, 4)
      for (const of of [...sets, lanes]) assert.deepEqual(await rowsOf(system.pool, of), wanted, of.name)
      // Those behind by an event are others.
      await append(system, 1)
      await system.people.waitFor(each.name, await append(system, 1), { timeoutMs: 60_000 })
      assert.notDeepEqual(await rowsOf(system.pool, each), wanted)
    }))

  test('stops before the one event of a set that cannot be folded, and goes on when it is mended', () =>
    within(async (system) => {
      const { people, pool, start, status, until } = system
      const strict = stock('set', { batchSize: 100, check: 'CHECK (abs(total) < 1000)' })
      const before = await append(system, 30)
      const poison = await append(system, 1, 5_000)
      const last = await append(system, 30)
      await start([strict])
      await until('it has stopped', async () => (await status(strict.name, 1))?.stops.length === 1)
      assert.equal((await status(strict.name, 1))?.stops[0]?.position, poison)
      await people.waitFor(strict.name, before, { timeoutMs: 20_000 })
      const table = strict.tables[0] ?? ''
      assert.equal((await pool.query(`SELECT sum(events)::int AS n FROM ${table}`)).rows[0].n, 30)
      await pool.query(`ALTER TABLE ${table}_v1 DROP CONSTRAINT ${table}_v1_total_check`)
      await people.waitFor(strict.name, last, { timeoutMs: 20_000 })
      assert.equal((await pool.query(`SELECT sum(events)::int AS n FROM ${table}`)).rows[0].n, 61)
    }))
})

/** Appends events of both types in runs of some length, to four streams; returns the last position. */
async function append({ streams, pool }: ProjectionSystem, count: number, amount = 1): Promise<bigint> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    const appends = Array.from({ length: count }, (_, at) => {
      const id = crypto.randomUUID()
      const none = { causationId: null, traceparent: null, headers: {} }
      const payload = JSON.stringify({ amount: amount + (amount > 1 ? 0 : at % 7) })
      const type = Math.floor(at / 6) % 3 === 0 ? 'Taken' : 'Put'
      const event = { id, type, version: 1, correlationId: id, payload, ...none }
      const stream = { type: 'stock', id: `s-${at % 4}` }
      return { stream, expected: 'any' as const, events: [event], appendId: null }
    })
    const appended = await streams.events.append(client, appends)
    await client.query('COMMIT')
    return appended.reduce((last, { position }) => (position !== null && position > last ? position : last), 0n)
  } finally {
    client.release()
  }
}

let made = 0

function stock(
  how: 'each' | 'set',
  { check = '', ...more }: { readonly batchSize: number; readonly lanes?: number; readonly check?: string },
): Projection<Sql> {
  made += 1
  const name = `stock_${how}_${made}`
  const upsert = (table: TableNames, rows: string): string => `INSERT INTO ${table(name)} AS s ${rows} ON CONFLICT (id)
    DO UPDATE SET events = s.events + excluded.events, total = s.total + excluded.total, last = excluded.last`
  const one = (sign: number, type: string) => {
    const values = `SELECT $1::text, 1, $2::int, $3::text`
    return project<{ amount: number }>(sign > 0 ? Put : Taken, ({ key, data }, { tx, table }) =>
      tx.query(upsert(table, values), [key, sign * data.amount, `${type} ${data.amount}`]),
    )
  }
  const many = (sign: number, type: string) => {
    const values = `SELECT id, count(*)::int, sum(amount)::int, (array_agg(last ORDER BY place DESC))[1]
      FROM unnest($1::text[], $2::int[], $3::text[]) WITH ORDINALITY AS u (id, amount, last, place) GROUP BY id`
    return projectMany<{ amount: number }>(sign > 0 ? Put : Taken, (events, { tx, table }) =>
      tx.query(upsert(table, values), [
        events.map(({ key }) => key),
        events.map(({ data }) => sign * data.amount),
        events.map(({ data }) => `${type} ${data.amount}`),
      ]),
    )
  }
  const handler = how === 'each' ? one : many
  return projection<Sql>(name.replaceAll('_', '-'), {
    ...{ version: 1, tables: [name], streams: ['stock'], handlers: [handler(1, 'put'), handler(-1, 'taken')], ...more },
    setUp: (tx, table) =>
      tx.query(`CREATE TABLE ${table(name)} (id text PRIMARY KEY, events int NOT NULL,
        total int NOT NULL ${check}, last text NOT NULL)`),
  })
}

async function rowsOf(pool: pg.Pool, { tables }: Projection<Sql>): Promise<readonly object[]> {
  return (await pool.query(`SELECT * FROM ${tables[0]} ORDER BY id`)).rows
}
