import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { Trip, totals, withTrips } from './trip-system.ts'

describe('a trip', () => {
  let server: PostgresServer
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => server.stop())

  test('takes effect in all services', () =>
    withTrips(server, async ({ sagas, begin, pools }) => {
      assert.equal(await begin('ada'), true)
      assert.equal(await begin('ada'), false, 'there is one of this id')
      await begin('bob', Trip, false)
      assert.deepEqual(await sagas.ended(Trip, 'trip-ada'), { status: 'completed', result: { room: 1 } })
      assert.equal((await sagas.ended(Trip, 'trip-bob')).status, 'completed')
      assert.deepEqual(await totals(pools), {
        ...{ trips: { ada: 'COMPLETED', bob: 'COMPLETED' }, rooms: ['ada', 'bob'], cars: ['ada'] },
        ...{ cents: { ada: 100, bob: 100 }, charges: 2 },
      })
      const shown = await sagas.search.show('trip-ada')
      assert.deepEqual(
        shown?.steps.map(({ name, state }) => `${name} ${state}`),
        ['create done', 'room done', 'car done', 'charge done', 'complete done'],
      )
    }))

  test('without a room leaves nothing', () =>
    withTrips(
      server,
      async ({ sagas, begin, pools }) => {
        await begin('ada')
        assert.deepEqual(await sagas.ended(Trip, 'trip-ada'), { status: 'compensated', failure: 'no-room' })
        assert.deepEqual(await totals(pools), {
          ...{ trips: { ada: 'COMPENSATED' }, rooms: [], cars: [], cents: {}, charges: 0 },
        })
      },
      { rooms: 0 },
    ))

  test('whose payment is refused gives room and car back, the last first', () =>
    withTrips(server, async ({ sagas, begin, pools }) => {
      await begin('poor-ada')
      assert.deepEqual(await sagas.ended(Trip, 'trip-poor-ada'), { status: 'compensated', failure: 'declined' })
      assert.deepEqual(await totals(pools), {
        ...{ trips: { 'poor-ada': 'COMPENSATED' }, rooms: [], cars: [], cents: {}, charges: 0 },
      })
      const shown = await sagas.search.show('trip-poor-ada')
      assert.deepEqual(
        shown?.steps.map(({ name, state }) => `${name} ${state}`),
        ['create undone', 'room undone', 'car undone', 'charge refused'],
      )
      const at = (name: string): string => shown?.steps.find((step) => step.name === name)?.changedAt ?? ''
      assert.ok(at('car') < at('room') && at('room') <= at('create'), 'in reverse order')
    }))

  test('is given to as many as there are rooms when 50 want the last 10 at once, and nothing stays held', () =>
    withTrips(
      server,
      async ({ sagas, begin, pools }) => {
        const guests = Array.from({ length: 50 }, (_, at) => `g-${at}`)
        await Promise.all(guests.map((guest) => begin(guest)))
        await Promise.all(guests.map((guest) => sagas.ended(Trip, `trip-${guest}`, { timeoutMs: 60_000 })))
        const { trips, rooms, cars, cents, charges } = await totals(pools)
        const completed = guests.filter((guest) => trips[guest] === 'COMPLETED').toSorted()
        assert.equal(completed.length, 10)
        assert.equal(Object.values(trips).filter((state) => state === 'COMPENSATED').length, 40)
        assert.deepEqual([rooms, cars], [completed, completed])
        assert.deepEqual([Object.keys(cents).toSorted(), charges], [completed, 10])
      },
      { rooms: 10, cars: 50 },
    ))
})
