import { projection, startProjections, streamEvent } from 'estafet'
import {
  type PostgresStreams,
  postgres,
  postgresStreams,
  project,
  projections,
  projectMany,
  type Sql,
} from 'estafet/postgres'
import type pg from 'pg'
import * as z from 'zod'

export const Counted = streamEvent('Counted', { version: 1, schema: z.object({ by: z.int(), note: z.string() }) })

export const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** Writes streams of one event type, by plain SQL: as many events, over as many streams, as a rebuild is to fold. */
export async function fillLog(pool: pg.Pool, events: number, streams: number): Promise<void> {
  await pool.query(
    `INSERT INTO estafet.event (position, recorded_at, id, stream_version, version, slot, stream_type, stream_id, type, payload)
      SELECT nextval('estafet.event_position'), clock_timestamp(), gen_random_uuid(), 1 + g / $2::int, 1,
        estafet.slot_of('doc-' || g % $2::int), 'doc', 'doc-' || g % $2::int, 'Counted',
        json_build_object('by', g % 10, 'note', repeat('x', 100))
      FROM generate_series(0, $1::int - 1) AS g`,
    [events, streams],
  )
  await pool.query('VACUUM ANALYZE estafet.event')
}

const columns = 'id text PRIMARY KEY, events int NOT NULL, total bigint NOT NULL, last text NOT NULL'
const upsert = (table: string, rows: string): string =>
  `INSERT INTO ${table} AS d ${rows} ON CONFLICT (id) DO UPDATE
    SET events = d.events + excluded.events, total = d.total + excluded.total, last = excluded.last`
const many = `SELECT id, count(*)::int, sum(by), (array_agg(at ORDER BY place DESC))[1]
  FROM unnest($1::text[], $2::int[], $3::text[]) WITH ORDINALITY AS u (id, by, at, place) GROUP BY id`

/** How a rebuild writes: a statement for each event, or one for all of a batch. */
export type Writing = 'each' | 'set'

/** Builds a read model from the whole log as a service does, and returns how many events it took in a second. */
export async function rebuild(pool: pg.Pool, writing: Writing, batchSize: number): Promise<number> {
  const name = `docs-${writing}-${batchSize}-${Date.now()}`
  const table = name.replaceAll('-', '_')
  const handlers = {
    each: project(Counted, ({ key, data, time }, { tx, table: named }) =>
      tx.query({
        name: `upsert-${table}`,
        text: upsert(named(table), 'VALUES ($1, 1, $2, $3)'),
        values: [key, data.by, time],
      }),
    ),
    set: projectMany(Counted, (events, { tx, table: named }) =>
      tx.query({
        name: `upsert-${table}`,
        text: upsert(named(table), many),
        values: [events.map(({ key }) => key), events.map(({ data }) => data.by), events.map(({ time }) => time)],
      }),
    ),
  }
  const of = projection<Sql>(name, {
    ...{ version: 1, tables: [table], streams: ['doc'], batchSize, handlers: [handlers[writing]] },
    setUp: (tx, named) => tx.query(`CREATE TABLE ${named(table)} (${columns}) WITH (fillfactor = 50)`),
  })
  const streams: PostgresStreams = postgresStreams(pool, { service: 'bench', logger: silent })
  const people = projections(pool)
  const { lastCommitted } = await streams.log.log.inspect()
  const count = await counted(pool)
  const begun = performance.now()
  const running = await startProjections([of], {
    ...{ store: postgres(pool), projections: people, events: streams.log, logger: silent },
  })
  await people.waitFor(name, lastCommitted, { timeoutMs: 600_000 })
  const took = (performance.now() - begun) / 1_000
  await running.stop()
  await verify(pool, `${table}_v1`)
  await people.pause(name, { who: 'bench' })
  return count / took
}

/** The same read model from the same events by a plain client: pages along the index, and one upsert for each page. */
export async function bareRebuild(pool: pg.Pool, batchSize: number): Promise<number> {
  const count = await counted(pool)
  await pool.query(`DROP TABLE IF EXISTS bare_docs`)
  await pool.query(`CREATE TABLE bare_docs (${columns}) WITH (fillfactor = 50)`)
  const client = await pool.connect()
  const begun = performance.now()
  let after = '0'
  for (;;) {
    const { rows } = await client.query<{ position: string; id: string; at: string; payload: { by: number } }>({
      name: 'bare-page',
      text: `SELECT position::text AS position, stream_id AS id, recorded_at::text AS at, payload FROM estafet.event AS e
        WHERE e.position > $1 AND e.stream_type = 'doc' ORDER BY e.position LIMIT $2`,
      values: [after, batchSize],
    })
    const last = rows.at(-1)
    if (last === undefined) break
    after = last.position
    await client.query('BEGIN')
    await client.query({
      name: 'bare-upsert',
      text: upsert('bare_docs', many),
      values: [rows.map(({ id }) => id), rows.map(({ payload }) => payload.by), rows.map(({ at }) => at)],
    })
    await client.query('COMMIT')
  }
  const took = (performance.now() - begun) / 1_000
  client.release()
  await verify(pool, 'bare_docs')
  return count / took
}

async function counted(pool: pg.Pool): Promise<number> {
  return (await pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM estafet.event WHERE stream_type = 'doc'`))
    .rows[0]?.n as number
}

/** A wrong result is worth nothing. */
async function verify(pool: pg.Pool, table: string): Promise<void> {
  const { rows } = await pool.query<{ wrong: number }>(
    `SELECT count(*)::int AS wrong FROM (SELECT stream_id AS id, count(*)::int AS events, sum((payload->>'by')::int) AS total
      FROM estafet.event WHERE stream_type = 'doc' GROUP BY 1) AS e FULL JOIN ${table} AS d USING (id)
      WHERE d.events IS DISTINCT FROM e.events OR d.total IS DISTINCT FROM e.total`,
  )
  if (rows[0]?.wrong !== 0) throw new Error(`${rows[0]?.wrong} rows of ${table} are wrong`)
}
