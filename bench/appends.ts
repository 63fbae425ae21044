import { randomUUID } from 'node:crypto'
import { decider, isEstafetError, when } from 'estafet'
import { type PostgresStore, type PostgresStreams, postgres } from 'estafet/postgres'
import type pg from 'pg'
import { findPgbench, pgbench } from './floor.ts'
import { Counted } from './rebuild.ts'

/** How much work was done in a second. */
export type Measure = () => Promise<number>

const note = 'x'.repeat(100)
export const Counter = decider<number, number>('counter', {
  ...{ initial: 0, snapshotEvery: 0, decide: (by) => Counted({ by, note }) },
  evolve: [when(Counted, (sum: number, { by }) => sum + by)],
})

export const floorTable = `CREATE TABLE floor_event (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL,
  id uuid NOT NULL, stream_version int NOT NULL, version smallint NOT NULL, slot smallint NOT NULL, stream_type text NOT NULL,
  stream_id text NOT NULL, type text NOT NULL, payload json NOT NULL, UNIQUE (stream_type, stream_id, stream_version))`
const insert = (rows: string): string =>
  `INSERT INTO floor_event (at, id, stream_version, version, slot, stream_type, stream_id, type, payload) ${rows}`

/** The same rows under the same two indexes, one transaction each, as the server's own client writes them; null without it. */
export function serverFloor(url: string, events: number, clients: number, seconds: number): Measure | null {
  const program = findPgbench()
  if (program === null) return null
  const script = `\\set by random(1, 1000)
\\set stream random(1, 9000000000000000)
${insert(`SELECT clock_timestamp(), gen_random_uuid(), g, 1, 7, 'counter', :stream || '-' || :client_id, 'Counted',
  ('{"by":' || :by || ',"note":"${note}"}')::json FROM generate_series(1, ${events}) AS g`).replaceAll('\n', ' ')};
`
  return () => pgbench(program, url, script, clients, seconds)
}

/** The same rows by a plain client in a process like ours: what is left of the floor once Node stands in between. */
export function plainFloor(pool: pg.Pool, events: number, clients: number, seconds: number): Measure {
  const rows = `SELECT clock_timestamp(), u.id, u.place, 1, 7, 'counter', $2, 'Counted', u.payload::json
    FROM unnest($1::uuid[], $3::text[]) WITH ORDINALITY AS u (id, payload, place)`
  return repeated(clients, seconds, async () => {
    const ids = Array.from({ length: events }, () => randomUUID())
    const payloads = ids.map(() => JSON.stringify({ by: 1, note }))
    await pool.query({ name: 'floor', text: insert(rows), values: [ids, randomUUID(), payloads] })
  })
}

/** One event to a new stream, in a transaction that does nothing else. */
export function appendsToNew(pool: pg.Pool, streams: PostgresStreams, clients: number, seconds: number): Measure {
  const store = postgres(pool)
  return repeated(clients, seconds, () => append(store, streams, randomUUID(), 0, 1))
}

/** The same as a command: loaded, decided, appended. */
export function commands(streams: PostgresStreams, clients: number, seconds: number): Measure {
  return repeated(clients, seconds, () => streams.handle(Counter, randomUUID(), 1))
}

/** Ten events to streams that grow, of which one append in twenty expects a version that is past. */
export function appendsOfTen(pool: pg.Pool, streams: PostgresStreams, clients: number, seconds: number): Measure {
  const store = postgres(pool)
  let next = 0
  const heads = new Map<number, { readonly id: string; version: number }>()
  return repeated(clients, seconds, async (client) => {
    const head = heads.get(client) ?? { id: randomUUID(), version: 0 }
    heads.set(client, head)
    if (next++ % 20 === 19) {
      const late = append(store, streams, head.id, head.version + 1, 10)
      await late.catch((error: unknown) => {
        if (!isEstafetError(error, 'WRONG_VERSION')) throw error
      })
      return
    }
    await append(store, streams, head.id, head.version, 10)
    head.version += 10
    if (head.version >= 1_000) heads.delete(client)
  })
}

/** Streams of a thousand events, read as they are recorded; in events. */
export function streamReads(streams: PostgresStreams, seconds: number): Measure {
  const range = { after: 0, upTo: null, limit: 1_000 }
  return repeated(2, seconds, async () => (await streams.events.read(long(), range)).length)
}

/** The same, folded by a decider, which also decodes and validates each. */
export function streamLoads(streams: PostgresStreams, seconds: number): Measure {
  return repeated(2, seconds, async () => (await streams.load(Counter, long().id)).version)
}

/** The same rows by a plain client, payloads decoded. */
export function plainReads(pool: pg.Pool, seconds: number): Measure {
  return repeated(2, seconds, async () => {
    const { rows } = await pool.query<{ payload: object }>({
      name: 'plain-read',
      text: `SELECT position, recorded_at, id, stream_version, version, type, payload FROM estafet.event
        WHERE stream_type = $1 AND stream_id = $2 ORDER BY stream_version`,
      values: ['counter', long().id],
    })
    return rows.length
  })
}

const longStreams = 20

export async function fillLong(pool: pg.Pool, streams: PostgresStreams): Promise<void> {
  const store = postgres(pool)
  for (let at = 0; at < longStreams; at++) await append(store, streams, `long-${at}`, 0, 1_000)
}

const long = () => ({ type: 'counter', id: `long-${Math.floor(Math.random() * longStreams)}` })

function append(
  store: PostgresStore,
  { events }: PostgresStreams,
  id: string,
  expected: number,
  count: number,
): Promise<unknown> {
  const stream = { type: 'counter', id }
  const of = { stream, expected, events: Array.from({ length: count }, () => encoded()), appendId: null }
  return store.unitOfWork.run(
    () => Promise.resolve(),
    (tx) => events.append(tx, [of]),
  )
}

function encoded() {
  const id = randomUUID()
  const none = { causationId: null, traceparent: null, headers: {} }
  return { id, type: 'Counted', version: 1, correlationId: id, payload: JSON.stringify({ by: 1, note }), ...none }
}

/** Does work over and over for some seconds, by `clients` at a time; work that returns a number counts for so much. */
function repeated(clients: number, seconds: number, work: (client: number) => Promise<unknown>): Measure {
  return async () => {
    const begun = performance.now()
    let done = 0
    const worker = async (client: number): Promise<void> => {
      while (performance.now() - begun < seconds * 1_000) {
        const amount = await work(client)
        done += typeof amount === 'number' ? amount : 1
      }
    }
    await Promise.all(Array.from({ length: clients }, (_, client) => worker(client)))
    return done / ((performance.now() - begun) / 1_000)
  }
}
