// Do other keys wait while one key fails again and again?
//   npm run bench:parking                 three rounds of five seconds each way
//   npm run bench:parking -- --rounds 5 --seconds 10 --rate 200
import { cpus, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Running, service, start } from 'estafet'
import { on, postgres, postgresLog, type Sql } from 'estafet/postgres'
import { temporaryPostgres } from '../engines/postgres/server.ts'
import { median } from './counters.ts'
import { OrderPlaced, type Workbench, workbench } from './workload.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '200' },
  },
})
const [rounds, seconds, rate] = [Number(values.rounds), Number(values.seconds), Number(values.rate)]
const accounts = 50
/** Its messages fail while a round is to have a failing key: each attempt, again and again. */
const failing = 0
let isFailing = false
let failures = 0

const server = await temporaryPostgres({ settings: { shared_buffers: '256MB' } })
const bench = await workbench(server)
try {
  await bench.subscriber.query(
    'CREATE TABLE effect (account int, order_id text, published_at timestamptz, at timestamptz DEFAULT clock_timestamp())',
  )
  const running = await begin(bench)
  await round(bench, 'warm', false)
  const all: { well: Latency[]; failing: Latency[] } = { well: [], failing: [] }
  for (let at = 0; at < rounds; at++) {
    all.well.push(await round(bench, `well-${at}`, false))
    all.failing.push(await round(bench, `failing-${at}`, true))
    process.stderr.write(`round ${at + 1} of ${rounds} done\n`)
  }
  report(all.well, all.failing)
  await running.stop()
} finally {
  await bench.close()
  await server.stop()
}

interface Latency {
  readonly p50: number
  readonly p99: number
  readonly count: number
}

function begin(on_: Workbench): Promise<Running> {
  const handler = on<{ orderId: string; account: number; amount: string; note: string }>(
    OrderPlaced,
    async (event, { tx }) => {
      if (isFailing && event.data.account === failing) {
        failures += 1
        throw new Error('on purpose')
      }
      await tx.query('INSERT INTO effect (account, order_id, published_at) VALUES ($1, $2, $3)', [
        event.data.account,
        event.data.orderId,
        event.time,
      ])
    },
    { retry: [{ immediate: 0, delayed: 1_000, backOff: { firstMs: 20, maxMs: 20 } }] },
  )
  return start(service<Sql>('accounts', { lanes: 2, handlers: [handler] }), {
    store: postgres(on_.subscriber),
    sources: [postgresLog(on_.producer, { source: 'producer' })],
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })
}

/** Publishes at a steady rate, lets all drain, and tells how long the other keys' events took to their effect. */
async function round(on_: Workbench, name: string, fails: boolean): Promise<Latency> {
  isFailing = fails
  const store = postgres(on_.producer)
  const announcer = store.announcer()
  const begun = performance.now()
  const publishing: Promise<unknown>[] = []
  for (let at = 0; at < seconds * rate; at++) {
    const ahead = (at / rate) * 1000 - (performance.now() - begun)
    if (ahead > 1) await sleep(ahead)
    const order = { orderId: `${name}-${at}`, account: at % accounts, amount: '1.00', note: '' }
    publishing.push(store.transaction(async (_, publish) => publish(OrderPlaced(order))))
  }
  await Promise.all(publishing)
  isFailing = false
  await announcer.close()
  const text = `SELECT count(*)::int AS n FROM effect WHERE order_id LIKE $1`
  while ((await on_.subscriber.query(text, [`${name}-%`])).rows[0].n < seconds * rate) await sleep(20)
  const { rows } = await on_.subscriber.query(
    `SELECT count(*)::int AS count, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99
     FROM (SELECT 1000 * extract(epoch FROM at - published_at)::float8 AS ms FROM effect
       WHERE order_id LIKE $1 AND account <> $2) AS other`,
    [`${name}-%`, failing],
  )
  return rows[0]
}

function report(well: readonly Latency[], bad: readonly Latency[]): void {
  const of = (all: readonly Latency[], which: 'p50' | 'p99'): number => median(all.map((each) => each[which]))
  const row = (name: string, which: 'p50' | 'p99'): string => {
    const [a, b] = [of(well, which), of(bad, which)]
    return `${name.padEnd(8)}${a.toFixed(1).padStart(12)}${b.toFixed(1).padStart(16)}${(b / a).toFixed(2).padStart(8)}`
  }
  process.stdout.write(`
other keys, ms from publish to effect
        ${'all well'.padStart(12)}${'one key fails'.padStart(16)}${'ratio'.padStart(8)}
${row('p50', 'p50')}
${row('p99', 'p99')}

${rate} events a second over ${accounts} keys; the failing key was attempted ${failures} times, every 20 ms.
${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB; Node ${process.version}, PostgreSQL ${server.major}; medians of ${rounds} rounds, alternating.
`)
}
