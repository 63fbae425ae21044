import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, beforeEach, describe, test } from 'node:test'
import pg from 'pg'
import { newDatabase } from '../../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../../engines/postgres/server.ts'
import { rooms, stayOf } from '../hotel/rooms.ts'

const capacity = 5

describe('rooms that are held for trips', () => {
  let server: PostgresServer
  let pool: pg.Pool
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
    const url = await newDatabase(server.adminUrl, 'rooms')
    pool = new pg.Pool({ connectionString: url, max: 20 })
    pool.on('error', () => {})
    await pool.query('CREATE ROLE hotel')
    await pool.query(readFileSync(new URL('../hotel/migrations/0001-hotel.sql', import.meta.url), 'utf8'))
  })
  after(async () => {
    await pool.end()
    await server.stop()
  })
  beforeEach(async () => {
    await pool.query('TRUNCATE room_night, reservation')
    await pool.query('UPDATE hotel SET capacity = $1', [capacity])
  })

  async function within<Result>(work: (tx: pg.PoolClient) => Promise<Result>): Promise<Result> {
    const tx = await pool.connect()
    try {
      await tx.query('BEGIN')
      const result = await work(tx)
      await tx.query('COMMIT')
      return result
    } catch (error) {
      await tx.query('ROLLBACK')
      throw error
    } finally {
      tx.release()
    }
  }
  const hold = (tripId: string, day: number, nights: number): Promise<boolean> => {
    const arrival = `2015-07-${String(day).padStart(2, '0')}`
    return within((tx) => rooms.hold(tx, stayOf({ tripId, hotel: 'City Hotel', arrival, nights })))
  }
  const held = async (): Promise<readonly number[]> => {
    const { rows } = await pool.query<{ held: number }>('SELECT held FROM room_night ORDER BY day')
    return rows.map((row) => row.held)
  }

  test('never more of them than there are, however many ask at once for nights that overlap, and no deadlock', async () => {
    const stays = Array.from({ length: 120 }, (_, at) => ({ day: 1 + ((at * 7) % 10), nights: 1 + ((at * 5) % 6) }))
    const given = await Promise.all(stays.map(({ day, nights }, at) => hold(`t-${at}`, day, nights)))
    const taken = stays.filter((_, at) => given[at])
    const recounted = Array.from(
      { length: 15 },
      (_, at) => taken.filter(({ day, nights }) => day <= at + 1 && at + 1 < day + nights).length,
    )
    assert.deepEqual((await held()).map(Number), recounted.slice(0, (await held()).length))
    assert.ok(recounted.every((count) => count <= capacity))
    // As many as fit: whoever was refused met a night that was full.
    for (const [at, { day, nights }] of stays.entries()) {
      if (!given[at]) assert.ok(recounted.slice(day - 1, day - 1 + nights).includes(capacity), `t-${at}`)
    }
    await Promise.all(stays.map((_, at) => within((tx) => rooms.release(tx, `t-${at}`))))
    assert.ok((await held()).every((count) => count === 0))
  })

  test('several trips in one transaction, in any order, do not wait for each other', async () => {
    const stays = Array.from({ length: 40 }, (_, at) => ({
      tripId: `t-${at}`,
      arrival: `2015-07-${10 + ((at * 7) % 10)}`,
    }))
    const holdAll = (some: typeof stays) =>
      within(async (tx) => {
        for (const stay of some) await rooms.hold(tx, stayOf({ ...stay, hotel: 'City Hotel', nights: 2 }))
        for (const { tripId } of some) await rooms.release(tx, tripId)
      })
    await Promise.all([0, 1, 2, 3].map((lane) => holdAll(stays.filter((_, at) => at % 4 === lane))))
    assert.ok((await held()).every((count) => count === 0))
  })

  test('all nights of a stay or none', async () => {
    for (let at = 0; at < capacity; at++) assert.equal(await hold(`full-${at}`, 3, 1), true)
    assert.equal(await hold('long', 1, 4), false)
    assert.deepEqual((await pool.query(`SELECT FROM room_night WHERE held > 0 AND day <> '2015-07-03'`)).rowCount, 0)
    assert.equal(await hold('before', 1, 2), true)
  })

  test('given back once, however often it is given back, and then there is room again', async () => {
    for (let at = 0; at < capacity; at++) await hold(`t-${at}`, 1, 2)
    assert.equal(await hold('late', 2, 1), false)
    for (let times = 0; times < 3; times++) await within((tx) => rooms.release(tx, 't-0'))
    await within((tx) => rooms.release(tx, 'nobody'))
    assert.deepEqual(await held(), [capacity - 1, capacity - 1])
    assert.equal(await hold('late', 2, 1), true)
  })

  test('confirmed only while it is reserved, and given back as well when it is confirmed', async () => {
    await hold('trip', 1, 1)
    await within((tx) => rooms.confirm(tx, 'trip'))
    await assert.rejects(within((tx) => rooms.confirm(tx, 'trip')))
    await within((tx) => rooms.unconfirm(tx, 'trip'))
    await within((tx) => rooms.confirm(tx, 'trip'))
    await within((tx) => rooms.release(tx, 'trip'))
    await assert.rejects(within((tx) => rooms.confirm(tx, 'trip')))
    assert.deepEqual(await held(), [0])
  })

  test('a visit of a day takes no night, even when there is no room', async () => {
    await pool.query('UPDATE hotel SET capacity = 0')
    assert.equal(await hold('visit', 1, 0), true)
    assert.equal(await hold('night', 1, 1), false)
    await within((tx) => rooms.release(tx, 'visit'))
    assert.deepEqual((await pool.query(`SELECT state FROM reservation`)).rows, [{ state: 'released' }])
  })
})
