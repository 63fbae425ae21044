import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { postgres } from 'estafet/postgres'
import pg from 'pg'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import type { Appended } from '../../src/ports/event-store.ts'
import { ended } from '../crash/ended.ts'
import type { ProjectionChildOptions } from './projection-child.ts'
import { balances, type ProjectionSystem, projectionSystem, read, setsOf, until } from './projection-system.ts'

const python = findPython()
const skip = python === null ? 'python3 is needed for the fold by another program, and is not installed here' : false
/** Events that come in a second, all the while. */
const rate = 300
/** Events that are there before, so that there is something to build anew. */
const earlier = 900
const accounts = 20

// What a process does to build a version beside the one that serves, and how often it has done so when it is killed.
const steps: readonly (readonly [string, number])[] = [
  ...([
    ['before set-up', 1],
    ['after set-up', 1],
    ['begun to build', 1],
  ] as const),
  ...['begun', 'before save', 'after save', 'before commit', 'after commit'].map((step) => [step, 5] as const),
  ...([
    ['in check', 1],
    ['before switch', 1],
    ['switched', 1],
    ['serving', 1],
  ] as const),
]

describe(`a rebuild while ${rate} events come in a second`, { skip }, () => {
  let server: PostgresServer
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => server.stop())

  for (const [point, times] of steps) {
    test(`whose process is killed "${point}" ends as a fold by another program, row by row, and is never seen half done`, async () => {
      const system = await projectionSystem(server, 'rebuild_crash')
      const children: ChildProcess[] = []
      const stops: (() => Promise<unknown>)[] = []
      const begin = (fail: ProjectionChildOptions['fail']): ChildProcess => {
        const options: ProjectionChildOptions = { url: system.url, versions: [2], fail, inSets: true }
        const child = fork(new URL('projection-child.ts', import.meta.url), {
          env: { ...process.env, PROJECTION_CHILD: JSON.stringify(options) },
          ...{ execArgv: ['--conditions=estafet-source'], stdio: 'ignore' },
        })
        children.push(child)
        return child
      }
      try {
        const { start, status, people, pool } = system
        for (let at = 0; at < earlier; at++) await book(system, at)
        await start([balances(1, setsOf(1))])
        await until('the first version serves', async () => (await status('balances', 1))?.state === 'serving')
        const load = comingIn(system)
        const polls = pollingAlways(system)
        stops.push(load.stop, polls.stop)
        const killed = begin({ point, times })
        assert.equal(await ended(killed), 'SIGKILL')
        begin(null)
        await until('the second version serves', async () => (await status('balances', 2))?.state === 'serving')
        await sleep(100)
        const position = await load.stop()
        await people.waitFor('balances', position, { timeoutMs: 60_000 })
        const { versions, mixed } = await polls.stop()
        assert.deepEqual(mixed, [])
        assert.deepEqual([...versions], [1, 2])
        const wanted = await foldedByPython(pool)
        assert.deepEqual(await rowsOf(pool), wanted)
        assert.ok(wanted.length === accounts + 1, `${wanted.length} rows`)
        // That it can tell: one row is damaged.
        await pool.query(`UPDATE balance_v2 SET amount = amount + 1 WHERE id = 'a-0'`)
        assert.notDeepEqual(await rowsOf(pool), wanted)
      } finally {
        await Promise.allSettled(stops.map((stop) => stop()))
        for (const child of children) child.kill('SIGKILL')
        await Promise.all(children.map((child) => ended(child)))
        await system.stop()
      }
    })
  }
})

/** What a command of account `at` would append; without its load, which costs more the longer its stream is. */
async function book({ pool, streams }: ProjectionSystem, at: number): Promise<bigint> {
  const id = randomUUID()
  const none = { causationId: null, traceparent: null, headers: {} }
  const payload = JSON.stringify({ amount: (at % 9) - 3 })
  const events = [{ ...none, id, type: 'Booked', version: 1, correlationId: id, payload }]
  const stream = { type: 'account', id: `a-${at % accounts}` }
  let appended: readonly Appended[] = []
  await postgres(pool).unitOfWork.run(
    () => Promise.resolve(),
    async (tx) => {
      appended = await streams.events.append(tx, [{ stream, expected: 'any', events, appendId: null }])
    },
  )
  return appended[0]?.position ?? 0n
}

/** Bookings at a steady rate, whatever the answers take, until stopped; then the position of the last. */
function comingIn(system: ProjectionSystem): { stop(): Promise<bigint> } {
  let isOver = false
  const loop = async (): Promise<bigint> => {
    const begun = performance.now()
    const under = new Set<Promise<unknown>>()
    let last = 0n
    for (let at = 0; !isOver; at++) {
      const booking = book(system, at).then((position) => {
        if (position > last) last = position
      })
      under.add(booking)
      booking.finally(() => under.delete(booking)).catch(() => {})
      // So many at a time; a machine that is too slow for the rate gets as many as it can take.
      if (under.size >= 10) await Promise.race(under)
      const aheadMs = (at / rate) * 1_000 - (performance.now() - begun)
      if (aheadMs > 1) await sleep(aheadMs)
    }
    await Promise.all(under)
    return last
  }
  const running = loop()
  running.catch(() => {})
  return {
    stop() {
      isOver = true
      return running
    },
  }
}

/** Reads what serves without a pause; what it can tell of an empty, older or mixed state is noted. */
function pollingAlways({ url, pool }: ProjectionSystem) {
  let isOver = false
  const versions = new Set<number>()
  const mixed: string[] = []
  const loop = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    let most = 0
    try {
      while (!isOver) {
        const { balances: amounts, n } = await read(client)
        const version = n > 0 ? 1 : 2
        const count = Math.abs(n)
        if (Object.keys(amounts).length !== accounts) mixed.push(`${Object.keys(amounts).length} accounts`)
        if (count < Math.max(most, earlier)) mixed.push(`${count} bookings after ${most}`)
        // The first one counts units, the second hundredths, and never both.
        if (version === 2 && Object.values(amounts).some((amount) => amount % 100 !== 0)) mixed.push('units in cents')
        most = Math.max(most, count)
        versions.add(version)
        await sleep(2)
      }
    } finally {
      await client.end()
    }
  }
  const filled = until('the first version has what was there', async () => (await read(pool)).n >= earlier)
  const running = filled.then(() => Promise.all([loop(), loop()]))
  running.catch(() => {})
  return {
    async stop() {
      isOver = true
      await running
      return { versions, mixed }
    },
  }
}

/** The rows of the read model, by its plain names; numbers as text, so that none is rounded. */
async function rowsOf(pool: pg.Pool): Promise<readonly object[]> {
  const { rows } = await pool.query<{ row: object }>(
    `SELECT json_build_object('table', 'balance', 'id', id, 'amount', amount::text, 'cents', cents) AS row
        FROM (SELECT * FROM balance ORDER BY id COLLATE "C") AS b
      UNION ALL SELECT json_build_object('table', 'booking_count', 'n', n) FROM booking_count`,
  )
  return rows.map(({ row }) => row)
}

/** The rows that another program makes of the events, which it gets as plain SQL tells them. */
async function foldedByPython(pool: pg.Pool): Promise<readonly object[]> {
  const { rows } = await pool.query<{ line: string }>(
    `SELECT json_build_object('stream_type', stream_type, 'stream_id', stream_id, 'stream_version', stream_version,
      'type', type, 'payload', payload::text)::text AS line FROM estafet.event ORDER BY position`,
  )
  const program = fileURLToPath(new URL('fold-balances.py', import.meta.url))
  const input = `${rows.map(({ line }) => line).join('\n')}\n`
  const output = execFileSync(python ?? 'python3', [program], { input, encoding: 'utf8', maxBuffer: 2 ** 26 })
  return output
    .trimEnd()
    .split('\n')
    .map((line): object => JSON.parse(line))
}

function findPython(): string | null {
  try {
    execFileSync('python3', ['-c', 'import json, decimal'], { stdio: 'ignore' })
    return 'python3'
  } catch {
    return null
  }
}
