// How much of the machine is left for the user once messages are published and handled?
//   npm run bench                    three rounds of five seconds a cell
//   npm run bench -- --rounds 5 --seconds 10 --clients 16
import { cpus, loadavg, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { postgres } from 'estafet/postgres'
import { temporaryPostgres } from '../engines/postgres/server.ts'
import { bareFloor } from './bare-floor.ts'
import { median, serverCounters } from './counters.ts'
import { findPgbench, pgbench, versionOf } from './floor.ts'
import { floorScript, placeOrders, startAccounts, type Workbench, workbench } from './workload.ts'

interface Cell {
  readonly perSecond: number
  readonly walPerEvent: number
  readonly commitsPerEvent: number
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    clients: { type: 'string', default: '16' },
  },
})
const [rounds, seconds, clients] = [Number(values.rounds), Number(values.seconds), Number(values.clients)]
const say = (text: string): void => void process.stderr.write(`${text}\n`)

const server = await temporaryPostgres({ settings: { shared_buffers: '512MB', max_wal_size: '4GB' } })
const bench = await workbench(server)
const program = findPgbench()
try {
  say(
    `${rounds} rounds, ${seconds} s a cell, ${clients} connections; about ${Math.ceil((rounds * 4 * (seconds + 2)) / 60)} minutes`,
  )
  const cells: { floor: number[]; publish: Cell[]; end: Cell[] } = { floor: [], publish: [], end: [] }
  await placeOrders(postgres(bench.producer), clients, 1_000, 'warm')
  await catchUp(bench)
  for (let round = 1; round <= rounds; round++) {
    cells.floor.push(await floor(bench))
    cells.publish.push(await publishOnly(bench, round))
    await catchUp(bench)
    cells.end.push(await endToEnd(bench, round))
    cells.floor.push(await floor(bench))
    say(`round ${round} of ${rounds} done`)
  }
  await verify(bench)
  report(cells)
} finally {
  await bench.close()
  await server.stop()
}

function floor(on: Workbench): Promise<number> {
  if (program === null) return bareFloor(on, clients, seconds * 1000)
  return pgbench(program, on.producerUrl, floorScript, clients, seconds)
}

async function publishOnly(on: Workbench, round: number): Promise<Cell> {
  const before = await serverCounters(on.producer)
  const placed = await placeOrders(postgres(on.producer), clients, seconds * 1000, `w1-${round}`)
  return cell(before, on, placed, seconds)
}

async function endToEnd(on: Workbench, round: number): Promise<Cell> {
  const before = await serverCounters(on.producer)
  const running = await startAccounts(on)
  const begun = performance.now()
  const placed = await placeOrders(postgres(on.producer), clients, seconds * 1000, `w2-${round}`)
  while (running.counters().applied < placed) await sleep(1)
  const took = (performance.now() - begun) / 1000
  await running.stop()
  return cell(before, on, placed, took)
}

async function cell(
  before: { walBytes: number; commits: number },
  on: Workbench,
  events: number,
  took: number,
): Promise<Cell> {
  await sleep(1_200)
  const after = await serverCounters(on.producer)
  return {
    perSecond: events / took,
    walPerEvent: (after.walBytes - before.walBytes) / events,
    commitsPerEvent: (after.commits - before.commits) / events,
  }
}

/** Lets the subscriber read what the publish-only cells left. */
async function catchUp(on: Workbench): Promise<void> {
  const running = await startAccounts(on)
  const due = Number((await on.producer.query('SELECT count(*) FROM estafet.outbox')).rows[0].count)
  const done = async () => Number((await on.subscriber.query('SELECT sum(orders) AS n FROM account')).rows[0].n)
  while ((await done()) < due) await sleep(50)
  await running.stop()
}

/** Every order has exactly one effect, account by account; a wrong result is worth nothing. */
async function verify(on: Workbench): Promise<void> {
  const producer = await on.producer.query(
    `SELECT (payload->>'account')::int AS account, count(*)::int AS n FROM estafet.outbox GROUP BY 1 ORDER BY 1`,
  )
  const subscriber = await on.subscriber.query('SELECT account, orders AS n FROM account WHERE orders > 0 ORDER BY 1')
  if (JSON.stringify(producer.rows) !== JSON.stringify(subscriber.rows)) throw new Error('effects were lost or doubled')
}

function report({ floor: floors, publish, end }: { floor: number[]; publish: Cell[]; end: Cell[] }): void {
  const base = floors
    .map((_, at) => ((floors[at - (at % 2)] ?? 0) + (floors[at - (at % 2) + 1] ?? 0)) / 2)
    .filter((_, at) => at % 2 === 0)
  const ratio = (cells: Cell[]) => median(cells.map(({ perSecond }, at) => perSecond / (base[at] ?? 1))).toFixed(2)
  const row = (name: string, cells: Cell[], target: string): string =>
    [
      name.padEnd(34),
      Math.round(median(cells.map(({ perSecond }) => perSecond)))
        .toString()
        .padStart(9),
      ratio(cells).padStart(10),
      target.padStart(8),
      Math.round(median(cells.map(({ walPerEvent }) => walPerEvent)))
        .toString()
        .padStart(13),
      median(cells.map(({ commitsPerEvent }) => commitsPerEvent))
        .toFixed(2)
        .padStart(15),
    ].join('')
  const model = cpus()[0]?.model ?? 'unknown'
  process.stdout.write(`
${'workload'.padEnd(34)}${'per s'.padStart(9)}${'of floor'.padStart(10)}${'target'.padStart(8)}${'WAL B/event'.padStart(13)}${'commits/event'.padStart(15)}
${'floor: the same rows, no toolkit'.padEnd(34)}${Math.round(median(floors)).toString().padStart(9)}${'1.00'.padStart(10)}   (min ${Math.round(Math.min(...floors))}, max ${Math.round(Math.max(...floors))})
${row('W1 publish', publish, '0.75')}
${row('W2 publish, and the effect once', end, '0.55')}

WAL target: 800 B/event end to end. Every effect was checked: none lost, none doubled.
${cpus().length} x ${model}, ${Math.round(totalmem() / 2 ** 30)} GB, load ${loadavg()[0]?.toFixed(1)}; Node ${process.version}, PostgreSQL ${server.major}; ${clients} connections,
${keys()} keys by Zipf's law; the floor is ${program === null ? 'a bare pg client' : versionOf(program)}, before and after each round; medians of ${rounds} rounds.
`)
}

function keys(): number {
  return 1000
}
