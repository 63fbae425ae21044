import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { service, start } from 'estafet'
import { postgres, postgresLog, type Sql } from 'estafet/postgres'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { ended } from '../crash/ended.ts'
import { steppingSagas } from './stepping-sagas.ts'
import { newDatabases, poolsOf, reading, silent, startParticipants, Trip, totals, until } from './trip-system.ts'

const child = fileURLToPath(new URL('crash-child.ts', import.meta.url))

describe('a trip whose process is killed at every step of its journal', () => {
  let server: PostgresServer
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => server.stop())

  for (const kind of ['ada', 'poor-ada'] as const) {
    const end = kind === 'ada' ? 'is completed, with each effect once' : 'is compensated, and leaves nothing'
    test(`${end}`, async () => {
      const points = await pointsOf(server, kind)
      // Two points at each of the changes.
      assert.ok(points.length >= 2 * (kind === 'ada' ? 8 : 11), points.join(', '))
      const urls = await newDatabases(server, { rooms: 100, cars: 100 })
      const pools = poolsOf(urls)
      const participants = await startParticipants(pools)
      const children: ChildProcess[] = []
      const begin = (guest: string, point: string | null): ChildProcess => {
        const orders = JSON.stringify({ urls, guest, fail: point === null ? null : { point, times: 1 } })
        const started = spawn(process.execPath, ['--conditions=estafet-source', child, orders], { stdio: 'ignore' })
        children.push(started)
        return started
      }
      const guests = points.map((_, at) => `${kind}-${at}`)
      try {
        // One after the other: each goes on with what those before it left.
        for (const [at, point] of points.entries()) {
          assert.equal(await ended(begin(guests[at] ?? '', point)), 'SIGKILL', point)
        }
        let last = begin(`${kind}-last`, null)
        const open = `SELECT count(*)::int AS n FROM estafet.saga WHERE status IN ('running', 'compensating')`
        await until(
          'all have ended',
          async () => {
            // The server may still hold the connections of those that were killed, and have none left.
            if (last.exitCode !== null) last = begin(`${kind}-last`, null)
            const { rows } = await pools.booking.query<{ n: number; all: number }>(open)
            return rows[0]?.n === 0 && (await totals(pools)).trips[`${kind}-last`] !== undefined
          },
          180_000,
        )
        const { trips, rooms, cars, cents, charges } = await totals(pools)
        const begun = Object.keys(trips).toSorted()
        const states = new Set(Object.values(trips))
        // Whose process was killed before it had begun was never begun; nobody asked again.
        assert.ok(begun.length > guests.length / 2, `${begun.length} of ${guests.length}`)
        if (kind === 'ada') {
          assert.deepEqual([states, rooms, cars], [new Set(['COMPLETED']), begun, begun])
          assert.deepEqual([Object.values(cents), charges], [begun.map(() => 100), begun.length])
        } else {
          assert.deepEqual([states, rooms, cars, cents], [new Set(['COMPENSATED']), [], [], {}])
        }
      } finally {
        for (const each of children) each.kill('SIGKILL')
        await Promise.all(children.map((each) => ended(each)))
        await Promise.all(participants.map((each) => each.stop(2_000)))
        await Promise.all(Object.values(pools).map((pool) => pool.end()))
      }
    })
  }
})

/** The points of a trip of this kind, from the journal of one that nobody killed. */
async function pointsOf(server: PostgresServer, guest: string): Promise<readonly string[]> {
  const pools = poolsOf(await newDatabases(server))
  const points = new Set<string>()
  const store = postgres(pools.booking)
  const { trips, stepping } = steppingSagas(pools.booking, store, [Trip], (point) => void points.add(point))
  const participants = await startParticipants(pools)
  const loop = await trips.start({ lookMs: 20 })
  const running = await start(service<Sql>('booking', { handlers: [...trips.handlers] }), {
    ...{ ...reading, logger: silent, store: stepping },
    sources: (['hotel', 'car', 'payment'] as const).map((place) => postgresLog(pools[place], { source: place })),
  })
  try {
    await trips.beginOwn(guest)
    await trips.ended(Trip, `trip-${guest}`)
    return [...points]
  } finally {
    await Promise.all([loop.stop(), running.stop(2_000), ...participants.map((each) => each.stop(2_000))])
    await Promise.all(Object.values(pools).map((pool) => pool.end()))
  }
}
