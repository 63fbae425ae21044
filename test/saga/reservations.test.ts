import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { onReply, type Running, service, start } from 'estafet'
import {
  holdSearch,
  migrate,
  postgres,
  postgresLog,
  reservations as postgresReservations,
  semanticLocks as postgresSemanticLocks,
  type Sql,
} from 'estafet/postgres'
import pg from 'pg'
import { newDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { ConfirmRooms, HoldRooms, hotel } from '../docs/reservations/hotel.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const reading = {
  ...{ logger: silent, leaseMs: 1_000, backOff: { firstMs: 10, maxMs: 100 } },
  pace: { hotMs: 2, busyMs: 5, idleMs: 20 },
}
const all = { owner: null, resource: null, heldSeconds: null }
const page = { after: null, limit: 100 }

describe('reservations', () => {
  let server: PostgresServer
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => server.stop())

  test('give an account’s money to as many as it lasts for, however many want it at once, and keep none that was given back', async () => {
    const pool = await made(server, 'account')
    const [reservations, { unitOfWork }] = [postgresReservations(), postgres(pool)]
    const wanted = [{ resource: 'account 7', quantity: 100_00, capacity: 1_000_00 }]
    const payers = Array.from({ length: 50 }, (_, at) => `payment-${at}`)
    const pay = (payer: string) => unitOfWork.run((tx) => reservations.reserve(tx, payer, wanted))
    const first = await Promise.all(payers.map(pay))
    const winners = payers.filter((_, at) => first[at]?.kind === 'held')
    assert.equal(winners.length, 10)
    for (const payer of winners.slice(0, 4)) await unitOfWork.run((tx) => reservations.confirm(tx, payer))
    for (const payer of winners.slice(4)) await unitOfWork.run((tx) => reservations.release(tx, payer))
    const again = await Promise.all(payers.map(pay))
    assert.equal(again.filter(({ kind }) => kind === 'confirmed').length, 4)
    assert.equal(again.filter(({ kind }) => kind === 'held').length, 6)
    assert.deepEqual(await unitOfWork.run((tx) => reservations.taken(tx, ['account 7'])), [1_000_00])
    await pool.end()
  })

  test('of the same things in any order never wait for each other for ever', async () => {
    const pool = await made(server, 'overlapping')
    const [reservations, { unitOfWork }] = [postgresReservations(), postgres(pool)]
    const nights = Array.from({ length: 8 }, (_, at) => ({ resource: `night ${at}`, quantity: 1, capacity: 1_000 }))
    const guests = Array.from({ length: 200 }, (_, at) => `g-${at}`)
    await Promise.all(
      guests.map(async (guest, at) => {
        const wanted = nights.map((_, night) => nights[(night * (at % 2 === 0 ? 3 : 5) + at) % 8]!)
        assert.equal((await unitOfWork.run((tx) => reservations.reserve(tx, guest, wanted))).kind, 'held')
        if (at % 3 === 0) await unitOfWork.run((tx) => reservations.release(tx, guest))
      }),
    )
    assert.deepEqual(await unitOfWork.run((tx) => reservations.taken(tx, ['night 3'])), [133])
    await pool.end()
  })

  test('are held to what there is by the database itself, whatever writes to it', async () => {
    const pool = await made(server, 'constrained')
    const [reservations, { unitOfWork }] = [postgresReservations(), postgres(pool)]
    await unitOfWork.run((tx) => reservations.reserve(tx, 'a', [{ resource: 'r', quantity: 2, capacity: 3 }]))
    for (const taken of ['taken + 2', 'taken - 3']) {
      await assert.rejects(pool.query(`UPDATE estafet.limited_resource SET taken = ${taken}`), { code: '23514' })
    }
    await pool.end()
  })

  test('of a process that is gone in the middle of its transaction hold nothing', async () => {
    const pool = await made(server, 'killed')
    const [reservations, locks, { unitOfWork }] = [postgresReservations(), postgresSemanticLocks(), postgres(pool)]
    const wanted = [{ resource: 'r', quantity: 1, capacity: 1 }]
    const lost = await pool.connect()
    lost.on('error', () => {})
    await lost.query('BEGIN')
    assert.equal((await reservations.reserve(lost, 'a', wanted)).kind, 'held')
    assert.equal((await locks.take(lost, 'r', 'a')).kind, 'taken')
    const [reserved, taken] = [
      unitOfWork.run((tx) => reservations.reserve(tx, 'b', wanted)),
      unitOfWork.run((tx) => locks.take(tx, 'r', 'b')),
    ]
    const { rows } = await lost.query('SELECT pg_backend_pid() AS pid')
    await pool.query('SELECT pg_terminate_backend($1)', [rows[0].pid])
    assert.deepEqual([await reserved, await taken], [{ kind: 'held' }, { kind: 'taken' }])
    lost.release(true)
    await pool.end()
  })

  test('in a hotel: all nights or none, busy while somebody else is at it, kept when confirmed, back when cancelled', async () => {
    const [booking, own] = [await made(server, 'hotel_booking'), await made(server, 'hotel_own')]
    await own.query('CREATE TABLE house AS SELECT 2 AS rooms')
    await booking.query('CREATE TABLE got (place bigserial, step text, says text)')
    const running: Running[] = [
      await start(
        service<Sql>('hotel', {
          handlers: hotel(postgresReservations(), postgresSemanticLocks()),
          lanes: 2,
          batchSize: 5,
        }),
        { ...reading, store: postgres(own), sources: [postgresLog(booking, { source: 'booking' })] },
      ),
      await start(
        service<Sql>('booking', {
          handlers: [
            onReply(HoldRooms, 'booking', async ({ data }, { tx }) => note(tx, data.step, data.answer)),
            onReply(ConfirmRooms, 'booking', async ({ data }, { tx }) => note(tx, data.step, data.answer)),
          ],
        }),
        { ...reading, store: postgres(booking), sources: [postgresLog(own, { source: 'hotel' })] },
      ),
    ]
    const store = postgres(booking)
    const said = async (step: string): Promise<readonly string[]> =>
      (await booking.query<{ says: string }>('SELECT says FROM got WHERE step = $1 ORDER BY place', [step])).rows.map(
        ({ says }) => says,
      )
    const asked = async (kind: 'request' | 'cancel', trip: string, booked: string, nights: readonly string[]) => {
      const step = `${trip}/hold`
      const before = (await said(step)).length
      const data = { booking: booked, nights: [...nights] }
      await store.transaction(async (_, publish) =>
        publish(HoldRooms[kind]({ step, owner: trip, replyTo: 'booking', data })),
      )
      return newest(step, before)
    }
    const newest = async (step: string, before: number): Promise<string | undefined> => {
      for (let found = await said(step); ; found = await said(step)) {
        if (found.length > before) return found.at(-1)
        await sleep(10)
      }
    }
    const confirmed = async (trip: string, booked: string) => {
      const step = `${trip}/confirm`
      await store.transaction(async (_, publish) =>
        publish(ConfirmRooms.request({ step, owner: trip, replyTo: 'booking', data: { booking: booked } })),
      )
      return newest(step, 0)
    }
    const [monday, tuesday, wednesday] = ['2026-11-23', '2026-11-24', '2026-11-25'] as const
    try {
      assert.equal(await asked('request', 't-1', 'b-1', [monday, tuesday]), 'done')
      assert.equal(await asked('request', 't-2', 'b-1', [monday]), 'busy')
      assert.equal(await asked('request', 't-3', 'b-3', [tuesday]), 'done')
      assert.equal(await asked('request', 't-4', 'b-4', [monday, tuesday, wednesday]), 'no-room')
      const { reservations } = holdSearch(own)
      assert.deepEqual(
        (await reservations(all, page)).items.map(({ owner }) => owner),
        ['t-1', 't-3'],
      )
      assert.equal(await confirmed('t-1', 'b-1'), 'done')
      assert.equal(await asked('cancel', 't-3', 'b-3', [tuesday]), 'cancelled')
      assert.equal(await confirmed('t-3', 'b-3'), 'not-held')
      assert.equal(await asked('request', 't-5', 'b-1', [monday, tuesday, wednesday]), 'done')
      assert.equal(await asked('request', 't-6', 'b-6', [monday]), 'no-room')
      const taken = await own.query('SELECT resource, taken::int FROM estafet.limited_resource ORDER BY resource')
      assert.deepEqual(taken.rows, [
        { resource: monday, taken: 2 },
        { resource: tuesday, taken: 2 },
        { resource: wednesday, taken: 1 },
      ])
      const locked = await holdSearch(own).locks(all, page)
      assert.deepEqual(
        locked.items.map(({ owner, resource }) => `${owner} ${resource}`),
        ['t-5 booking b-1'],
      )
    } finally {
      await Promise.all(running.map((each) => each.stop()))
      await Promise.all([booking.end(), own.end()])
    }
  })
})

async function note(
  tx: Sql,
  step: string,
  answer: { readonly outcome: string; readonly refusal?: string },
): Promise<void> {
  await tx.query('INSERT INTO got (step, says) VALUES ($1, $2)', [step, answer.refusal ?? answer.outcome])
}

async function made(server: PostgresServer, database: string): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString: await newDatabase(server.adminUrl, database), max: 15 })
  pool.on('error', () => {})
  const owner = await pool.connect()
  await migrate(owner)
  owner.release()
  return pool
}
