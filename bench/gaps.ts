import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Projection, projection, startProjections } from 'estafet'
import { type PostgresStreams, postgres, projections, projectMany, type Sql } from 'estafet/postgres'
import pg from 'pg'
import { median } from './counters.ts'
import { Counted, silent } from './rebuild.ts'

/** What a read model saw while transactions committed out of order, rolled back, and one elsewhere stayed open. */
export interface Gaps {
  readonly committed: number
  readonly lost: number
  /** From the answer to COMMIT to its handler, in ms. */
  readonly p50: number
  readonly p99: number
  readonly longest: number
}

/**
 * Twelve writers with pauses before and after they append, one in ten of which rolls back, and a foreign transaction that has
 * written and stays open for three seconds: what a reader by transaction ids would wait for.
 */
export async function gaps(adminUrl: string, pool: pg.Pool, streams: PostgresStreams, seconds: number): Promise<Gaps> {
  const foreign = new pg.Client({ connectionString: adminUrl })
  await foreign.connect()
  await foreign.query('CREATE TABLE IF NOT EXISTS foreign_table (x int)')
  await foreign.query('BEGIN')
  await foreign.query('INSERT INTO foreign_table VALUES (1)')
  const committedAt = new Map<string, number>()
  const seenAt = new Map<string, number>()
  const reading = await startProjections([watching(seenAt)], {
    ...{ store: postgres(pool), projections: projections(pool), events: streams.log, logger: silent },
  })
  // What was there before is no wait of theirs.
  await write(pool, streams, new Map(), performance.now() + 50)
  const before = await streams.log.log.inspect()
  await projections(pool).waitFor(name, before.lastCommitted, { timeoutMs: 60_000 })
  const until = performance.now() + seconds * 1_000
  const writing = Promise.all(Array.from({ length: 12 }, () => write(pool, streams, committedAt, until)))
  await sleep(Math.min(3_000, seconds * 1_000))
  await foreign.query('ROLLBACK')
  await writing
  const { lastCommitted } = await streams.log.log.inspect()
  await projections(pool).waitFor(name, lastCommitted, { timeoutMs: 60_000 })
  await reading.stop()
  await foreign.end()
  const waits = [...committedAt].flatMap(([id, at]) => {
    const seen = seenAt.get(id)
    return seen === undefined ? [] : [Math.max(0, seen - at)]
  })
  waits.sort((a, b) => a - b)
  return {
    committed: committedAt.size,
    lost: committedAt.size - waits.length,
    p50: median(waits),
    p99: waits[Math.floor(waits.length * 0.99)] ?? 0,
    longest: waits.at(-1) ?? 0,
  }
}

async function write(
  pool: pg.Pool,
  { events }: PostgresStreams,
  committedAt: Map<string, number>,
  until: number,
): Promise<void> {
  const client = await pool.connect()
  while (performance.now() < until) {
    const id = randomUUID()
    const none = { causationId: null, traceparent: null, headers: {} }
    const event = { id, type: 'Counted', version: 1, correlationId: id, payload: '{"by":1,"note":""}', ...none }
    const stream = { type: 'gap', id: `gap-${Math.floor(Math.random() * 200)}` }
    await client.query('BEGIN')
    if (Math.random() < 0.5) await client.query('SELECT pg_current_xact_id()')
    if (Math.random() < 0.3) await sleep(Math.random() * 8)
    await events.append(client, [{ stream, expected: 'any', events: [event], appendId: null }])
    if (Math.random() < 0.3) await sleep(Math.random() * 4)
    const isKept = Math.random() >= 0.1
    await client.query(isKept ? 'COMMIT' : 'ROLLBACK')
    if (isKept) committedAt.set(id, performance.now())
  }
  client.release()
}

const name = 'gaps'

/** Notes when an event came to a handler; its streams are of their own, so that it has nothing else to read. */
function watching(seenAt: Map<string, number>): Projection<Sql> {
  const handler = projectMany(Counted, async (events) => {
    const now = performance.now()
    for (const { id } of events) seenAt.set(id, now)
  })
  return projection<Sql>(name, {
    ...{ version: 1, tables: [], streams: ['gap'], handlers: [handler] },
    setUp: () => Promise.resolve(),
  })
}
