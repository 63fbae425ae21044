// What an event store costs, beside the floor of the same rows: append one event to a stream of its own, load streams of a
// hundred events, and read all events in the order of their log. In turns, on one server.
//   npm run bench:events                    three rounds of five seconds a cell
//   npm run bench:events -- --rounds 5 --seconds 10 --clients 16 --streams 2000
import { randomUUID } from 'node:crypto'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { decider, streamEvent, when } from 'estafet'
import { migrate, postgres, postgresStreams } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../engines/postgres/provision.ts'
import { temporaryPostgres } from '../engines/postgres/server.ts'
import { median } from './counters.ts'
import { findPgbench, pgbench, versionOf } from './floor.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    clients: { type: 'string', default: '16' },
    streams: { type: 'string', default: '1000' },
  },
})
const [rounds, seconds, clients] = [Number(values.rounds), Number(values.seconds), Number(values.clients)]
const streamCount = Number(values.streams)
const perStream = 100
const say = (text: string): void => void process.stderr.write(`${text}\n`)

const Counted = streamEvent('Counted', { version: 1, schema: z.object({ by: z.int(), note: z.string() }) })
const Counter = decider<number, number>('counter', {
  ...{ initial: 0, snapshotEvery: 0, decide: (by) => Counted({ by, note: 'x'.repeat(100) }) },
  evolve: [when(Counted, (sum: number, { by }) => sum + by)],
})

// The same row under the same two indexes, one transaction each, as the server's own client writes it.
const floorScript = `\\set by random(1, 1000)
INSERT INTO floor_event (at, id, stream_version, version, slot, stream_type, stream_id, type, payload) VALUES
  (clock_timestamp(), gen_random_uuid(), 1, 1, 7, 'counter', gen_random_uuid()::text, 'Counted',
  ('{"by":' || :by || ',"note":"' || repeat('x', 100) || '"}')::json);
`

const program = findPgbench()
const server = await temporaryPostgres({ settings: { shared_buffers: '512MB', max_wal_size: '4GB' } })
const url = await newDatabase(server.adminUrl, 'events')
const config: pg.PoolConfig & { pipeline: boolean } = { connectionString: url, max: clients + 2, pipeline: true }
const pool = new pg.Pool(config)
pool.on('error', () => {})
const store = postgres(pool)
try {
  const owner = await pool.connect()
  await migrate(owner)
  await owner.query(`CREATE TABLE floor_event (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL,
    id uuid NOT NULL, stream_version int NOT NULL, version smallint NOT NULL, slot smallint NOT NULL, stream_type text NOT NULL,
    stream_id text NOT NULL, type text NOT NULL, payload json NOT NULL, UNIQUE (stream_type, stream_id, stream_version))`)
  owner.release()
  const streams = postgresStreams(pool, { service: 'bench' })
  say(`${rounds} rounds, ${seconds} s a cell, ${clients} connections; ${streamCount} streams of ${perStream} events`)
  await fill(streams)
  const rates: Record<'floor' | 'append' | 'handle' | 'load' | 'log', number[]> = {
    ...{ floor: [], append: [], handle: [], load: [], log: [] },
  }
  for (let round = 1; round <= rounds; round++) {
    if (program !== null) rates.floor.push(await pgbench(program, url, floorScript, clients, seconds))
    rates.append.push(await perSecond(() => appendOne(streams)))
    rates.handle.push(await perSecond(() => streams.handle(Counter, randomUUID(), 1)))
    rates.load.push(
      perStream * (await perSecond(() => streams.load(Counter, `s-${Math.floor(Math.random() * streamCount)}`))),
    )
    rates.log.push(await readAll(streams))
    if (program !== null) rates.floor.push(await pgbench(program, url, floorScript, clients, seconds))
    say(`round ${round} of ${rounds} done`)
  }
  report(rates)
} finally {
  await pool.end()
  await server.stop()
}

type Streams = ReturnType<typeof postgresStreams>

async function fill(streams: Streams): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let at = next++; at < streamCount; at = next++) {
      await store.unitOfWork.run(async (tx) => {
        const events = Array.from({ length: perStream }, () => encoded())
        await streams.events.append(tx, [
          { stream: { type: 'counter', id: `s-${at}` }, expected: 'new', events, appendId: null },
        ])
      })
    }
  }
  await Promise.all(Array.from({ length: clients }, worker))
  await pool.query('ANALYZE')
}

function encoded() {
  const id = randomUUID()
  const payload = JSON.stringify({ by: 1, note: 'x'.repeat(100) })
  const none = { causationId: null, traceparent: null, headers: {} }
  return { id, type: 'Counted', version: 1, correlationId: id, payload, ...none }
}

function appendOne(streams: Streams): Promise<unknown> {
  const stream = { type: 'counter', id: randomUUID() }
  const append = { stream, expected: 'new', events: [encoded()], appendId: null } as const
  return store.unitOfWork.run(
    () => Promise.resolve(),
    (tx) => streams.events.append(tx, [append]),
  )
}

async function perSecond(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  let done = 0
  const worker = async (): Promise<void> => {
    while (performance.now() - begun < seconds * 1000) {
      await work()
      done += 1
    }
  }
  await Promise.all(Array.from({ length: clients }, worker))
  return done / ((performance.now() - begun) / 1000)
}

async function readAll({ log: { log } }: Streams): Promise<number> {
  const { lastCommitted: upTo } = await log.inspect()
  const begun = performance.now()
  let [after, read] = [0n, 0]
  for (;;) {
    const page = await log.read({ after, upTo, limit: 5_000, topics: null, lane: { index: 0, count: 1 } })
    for (const event of page) Counted.read(event)
    read += page.length
    const last = page.at(-1)
    if (last === undefined) return read / ((performance.now() - begun) / 1000)
    after = last.position
  }
}

function report(rates: Readonly<Record<string, readonly number[]>>): void {
  const floor = median(rates['floor'] ?? [])
  const lines = [
    `Node ${process.version}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, ${program === null ? 'no pgbench found' : versionOf(program)}`,
    ...Object.entries(rates).map(([name, all]) => {
      const sorted = all.map(Math.round).sort((a, b) => a - b)
      const ratio =
        ['append', 'handle'].includes(name) && floor > 0 ? `  ${(median(all) / floor).toFixed(2)} of the floor` : ''
      return `${name.padEnd(8)} ${sorted.join(' … ')} ${name === 'load' || name === 'log' ? 'events' : 'transactions'}/s${ratio}`
    }),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}
