import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isEstafetError, type SettlingService, settled } from 'estafet'
import { postgres } from 'estafet/postgres'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { newDatabases, type Place, poolsOf, startBooking, startParticipants, totals } from './trip-system.ts'

describe('services', () => {
  let server: PostgresServer
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => server.stop())

  test('have settled when all was handled and all sagas have ended, and not before', async () => {
    const pools = poolsOf(await newDatabases(server, { rooms: 2 }))
    const booking = await startBooking(pools)
    const places = ['hotel', 'car', 'payment'] as const
    const of = (place: Place, running: SettlingService['running']): SettlingService => ({
      ...{ running, operations: postgres(pools[place]).operations },
    })
    const own = { ...of('booking', booking.running), sagas: booking.sagas.search }
    for (const guest of ['ada', 'bob', 'eve', 'poor-joe']) await booking.begin(guest)
    await assert.rejects(
      settled([own], { timeoutMs: 300 }),
      (error) => isEstafetError(error, 'TIMED_OUT') && /4 sagas of trip are running/.test(error.message),
    )
    const participants = await startParticipants(pools)
    try {
      await settled([own, ...participants.map((running, at) => of(places[at] ?? 'hotel', running))], {
        timeoutMs: 60_000,
      })
      const { trips, rooms } = await totals(pools)
      assert.equal(Object.values(trips).filter((state) => state === 'COMPLETED').length, rooms.length)
      assert.equal(Object.values(trips).filter((state) => state === 'BOOKING_CREATED').length, 0)
    } finally {
      await booking.stop()
      await Promise.all(participants.map((each) => each.stop(2_000)))
      await Promise.all(Object.values(pools).map((pool) => pool.end()))
    }
  })
})
