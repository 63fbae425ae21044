// W7: what an event store costs, beside the floor of the same rows, in turns on one server: appends, reads of streams, a read
// model built from the whole log, and what readers wait for while transactions commit out of order.
//   npm run bench:events                    three rounds of four seconds a cell
//   npm run bench:events -- --rounds 5 --seconds 10 --clients 16 --events 200000 --documents 5000
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { migrate, postgresStreams } from 'estafet/postgres'
import pg from 'pg'
import { newDatabase } from '../engines/postgres/provision.ts'
import { temporaryPostgres } from '../engines/postgres/server.ts'
import * as appends from './appends.ts'
import { median } from './counters.ts'
import { findPgbench, versionOf } from './floor.ts'
import { gaps } from './gaps.ts'
import { type ProcessorTime, processorTime, usedSince } from './processor-time.ts'
import { bareRebuild, fillLog, rebuild, silent } from './rebuild.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    clients: { type: 'string', default: '16' },
    events: { type: 'string', default: '200000' },
    documents: { type: 'string', default: '5000' },
    only: { type: 'string', default: '' },
  },
})
const [rounds, seconds, clients] = [Number(values.rounds), Number(values.seconds), Number(values.clients)]
const [events, documents] = [Number(values.events), Number(values.documents)]
const say = (text: string): void => void process.stderr.write(`${text}\n`)

interface Cell {
  readonly name: string
  readonly measure: appends.Measure
  /** Of what it is measured as a share; null for a floor. */
  readonly floor: string | null
  readonly target?: number
  /** How much of what is counted is one transaction, for what it costs. */
  readonly seconds: number
}

const program = findPgbench()
const server = await temporaryPostgres({ settings: { shared_buffers: '512MB', max_wal_size: '4GB' } })
const url = await newDatabase(server.adminUrl, 'events')
const config: pg.PoolConfig & { pipeline: boolean } = { connectionString: url, max: clients + 4, pipeline: true }
const pool = new pg.Pool(config)
pool.on('error', () => {})
const measured = new Map<string, { readonly rate: number; readonly used: ProcessorTime; readonly ms: number }[]>()
try {
  const owner = await pool.connect()
  await migrate(owner)
  await owner.query(appends.floorTable)
  owner.release()
  const streams = postgresStreams(pool, { service: 'bench', logger: silent })
  const pages = { pgbench: 'pgbench', plain: 'plain client' }
  const floors = (what: string, count: number, of: number): Cell[] => [
    ...[appends.serverFloor(url, count, of, seconds)].flatMap((measure) =>
      measure === null ? [] : [{ name: `${what}: ${pages.pgbench}`, measure, floor: null, seconds }],
    ),
    { name: `${what}: ${pages.plain}`, measure: appends.plainFloor(pool, count, of, seconds), floor: null, seconds },
  ]
  const base = program === null ? pages.plain : pages.pgbench
  const cell = (name: string, floor: string, measure: appends.Measure, target?: number): Cell => ({
    ...{ name, measure, floor, seconds },
    ...(target === undefined ? {} : { target }),
  })
  const one = (of: number): Cell[] => {
    const what = `a${of} append 1, c=${of}`
    const floor = `${what}: ${base}`
    return [
      ...floors(what, 1, of),
      cell(`${what}: estafet`, floor, appends.appendsToNew(pool, streams, of, seconds), 0.7),
      cell(`${what}: as a command`, floor, appends.commands(streams, of, seconds)),
    ]
  }
  const ten = `b append 10, c=${clients}`
  const read = 'c stream of 1000, events'
  const build = `d rebuild of ${events}, events`
  const cells: readonly Cell[] = [
    ...one(1),
    ...one(clients),
    ...floors(ten, 10, clients),
    cell(
      `${ten}: estafet, 5 % conflicts`,
      `${ten}: ${base}`,
      appends.appendsOfTen(pool, streams, clients, seconds),
      0.7,
    ),
    cell(`${read}: plain client`, '', appends.plainReads(pool, seconds)),
    cell(`${read}: estafet, read`, `${read}: plain client`, appends.streamReads(streams, seconds)),
    cell(`${read}: estafet, folded`, `${read}: plain client`, appends.streamLoads(streams, seconds)),
    cell(`${build}: plain client, sets of 2000`, '', () => bareRebuild(pool, 2_000)),
    cell(`${build}: estafet, sets of 500`, `${build}: plain client, sets of 2000`, () => rebuild(pool, 'set', 500)),
    cell(`${build}: estafet, sets of 2000`, `${build}: plain client, sets of 2000`, () => rebuild(pool, 'set', 2_000)),
    cell(`${build}: estafet, one by one`, `${build}: plain client, sets of 2000`, () => rebuild(pool, 'each', 500)),
  ].filter(({ name }) => values.only === '' || values.only.includes(name[0] ?? ''))
  say(`${rounds} rounds of ${cells.length} cells, ${seconds} s each where it is not a rebuild`)
  await appends.fillLong(pool, streams)
  if (values.only === '' || values.only.includes('d')) await fillLog(pool, events, documents)
  await pool.query('CHECKPOINT')
  // The first time is the compiler's.
  for (let round = 0; round <= rounds; round++) {
    for (const { name, measure } of cells) {
      const [before, begun] = [processorTime(server.pid), performance.now()]
      const rate = await measure()
      const used = usedSince(before, processorTime(server.pid))
      if (round > 0) measured.set(name, [...(measured.get(name) ?? []), { rate, used, ms: performance.now() - begun }])
    }
    say(round === 0 ? 'warm' : `round ${round} of ${rounds} done`)
  }
  const found = await gaps(server.adminUrl, pool, streams, Math.max(4, seconds))
  report(cells)
  const ms = (value: number): string => `${value.toFixed(1)} ms`
  process.stdout.write(
    `e gaps: ${found.committed} committed, ${found.lost} lost; to the reader p50 ${ms(found.p50)}, p99 ${ms(found.p99)}, longest ${ms(found.longest)}, with a foreign transaction open for 3 s\n`,
  )
} finally {
  await pool.end()
  await server.stop()
}

function report(cells: readonly Cell[]): void {
  const lines = cells.map(({ name, floor, target }) => {
    const all = measured.get(name) ?? []
    const under = floor === null || floor === '' ? [] : (measured.get(floor) ?? [])
    // Each round beside its own floor: what else the machine did changes from round to round.
    const ratios = all.flatMap(({ rate }, at) => (under[at] === undefined ? [] : [rate / under[at].rate]))
    // What a whole second of it costs, over how much is done in it.
    const cost = (which: keyof ProcessorTime): string => {
      const each = all.map(({ rate, used, ms }) => (used[which] * 1_000) / ((rate * ms) / 1_000))
      return median(each).toFixed(which === 'node' && /pgbench/.test(name) ? 0 : 1)
    }
    return [
      name.padEnd(58),
      Math.round(median(all.map(({ rate }) => rate)))
        .toString()
        .padStart(8),
      (ratios.length === 0 ? '' : median(ratios).toFixed(2)).padStart(7),
      (target === undefined ? '' : target.toFixed(2)).padStart(7),
      cost('node').padStart(8),
      cost('server').padStart(8),
    ].join('')
  })
  process.stdout.write(`
${''.padEnd(58)}${'per s'.padStart(8)}${'ratio'.padStart(7)}${'target'.padStart(7)}${'µs Node'.padStart(8)}${'server'.padStart(8)}
${lines.join('\n')}

Medians of ${rounds} rounds; a ratio is to the floor of its own round. µs are processor time for one of what is counted.
Node ${process.version}, PostgreSQL ${server.major}, ${cpus().length} processors, load ${loadavg()[0]?.toFixed(1)}, ${program === null ? 'no pgbench found' : versionOf(program)}
`)
}
