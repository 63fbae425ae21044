import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogSource, OutgoingMessage } from 'estafet'
import { postgres } from 'estafet/postgres'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { HastyTrip, type Pools, ReserveRoom, Trip, totals, until, withTrips } from './trip-system.ts'

const nothing = { rooms: [], cars: [], cents: {}, charges: 0 }

describe('a trip in a world of troubles', () => {
  let server: PostgresServer
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => server.stop())

  test('whose answer is lost is taken back', () => {
    let lost = 0
    /** Loses the first answer to a request. */
    const losing = ({ log, wakeUp }: LogSource): LogSource => ({
      wakeUp,
      log: {
        ...log,
        async read(range) {
          const all = await log.read(range)
          return all.filter(({ type, payload }) => {
            if (type !== 'hotel.reserve-room.reply' || !payload.includes('"answers":"request"')) return true
            lost += 1
            return false
          })
        },
      },
    })
    return withTrips(
      server,
      async ({ sagas, begin, pools }) => {
        await begin('ada', HastyTrip)
        assert.deepEqual(await sagas.ended(HastyTrip, 'trip-ada'), { status: 'compensated', failure: 'no answer' })
        assert.ok(lost > 0)
        assert.deepEqual(await totals(pools), { ...nothing, trips: { ada: 'COMPENSATED' } })
      },
      { sources: losing },
    )
  })

  test('whose hotel commits after the time is up is taken back, and its late answer changes nothing', () =>
    withTrips(
      server,
      async ({ sagas, begin, pools }) => {
        await begin('ada', HastyTrip)
        await until('the hotel has done it', async () => (await repliesOf(pools, 'done')) === 1)
        assert.deepEqual(await sagas.ended(HastyTrip, 'trip-ada'), { status: 'compensated', failure: 'no answer' })
        assert.deepEqual(await totals(pools), { ...nothing, trips: { ada: 'COMPENSATED' } })
      },
      { trouble: (what) => (what === 'reserve' ? sleep(1_500) : Promise.resolve()) },
    ))

  test('whose commands come twice has each effect once', () =>
    withTrips(server, async ({ sagas, begin, pools }) => {
      await begin('ada', HastyTrip)
      for (let again = 0; again < 3; again++) await send(pools, ReserveRoom.request(asked('ada')))
      await until('all are answered', async () => (await repliesOf(pools, 'done')) === 4)
      await until('it has ended', async () => (await sagas.search.show('trip-ada'))?.status !== 'running')
      const { rooms } = await totals(pools)
      const isDone = (await sagas.search.show('trip-ada'))?.status === 'completed'
      assert.deepEqual(rooms, isDone ? ['ada'] : [])
    }))

  test('whose step was taken back before it was asked for is never done', () =>
    withTrips(server, async ({ sagas, begin, pools }) => {
      await send(pools, ReserveRoom.cancel(asked('ada')))
      await begin('ada')
      assert.equal((await sagas.ended(Trip, 'trip-ada')).status, 'compensated')
      assert.deepEqual(await totals(pools), { ...nothing, trips: { ada: 'COMPENSATED' } })
    }))

  test('whose room cannot be given back for a while is given back in the end, and a person is asked to look meanwhile', () => {
    let isMended = false
    return withTrips(
      server,
      async ({ sagas, begin, pools }) => {
        await begin('poor-ada')
        await until('a person is asked', async () => (await sagas.search.show('trip-poor-ada'))?.attention != null)
        const shown = await sagas.search.show('trip-poor-ada')
        assert.match(shown?.attention ?? '', /nobody answers whether the step room was taken back/)
        assert.equal(shown?.status, 'compensating')
        assert.equal(shown?.isStuck, true)
        assert.deepEqual((await totals(pools)).rooms, ['poor-ada'])
        isMended = true
        assert.deepEqual(await sagas.ended(Trip, 'trip-poor-ada'), { status: 'compensated', failure: 'declined' })
        assert.deepEqual(await totals(pools), { ...nothing, trips: { 'poor-ada': 'COMPENSATED' } })
        assert.equal((await sagas.search.show('trip-poor-ada'))?.attention, null)
      },
      {
        trouble: async (what) => {
          if (what === 'release' && !isMended) throw new Error('The hotel is closed.')
        },
      },
    )
  })

  test('whose own undo fails is tried again, and holds up no other', () =>
    withTrips(server, async ({ sagas, begin, pools }) => {
      await pools.booking.query(
        `ALTER TABLE trip ADD CONSTRAINT broken CHECK (guest <> 'poor-ada' OR state <> 'COMPENSATED')`,
      )
      await begin('poor-ada')
      await until('it has failed', async () => ((await sagas.search.show('trip-poor-ada'))?.tries ?? 0) > 1)
      await begin('poor-bob')
      assert.equal((await sagas.ended(Trip, 'trip-poor-bob')).status, 'compensated')
      const shown = await sagas.search.show('trip-poor-ada')
      assert.match(shown?.error ?? '', /23514/)
      assert.equal(shown?.status, 'compensating')
      await pools.booking.query('ALTER TABLE trip DROP CONSTRAINT broken')
      assert.equal((await sagas.ended(Trip, 'trip-poor-ada')).status, 'compensated')
      assert.deepEqual(await totals(pools), {
        ...nothing,
        trips: { 'poor-ada': 'COMPENSATED', 'poor-bob': 'COMPENSATED' },
      })
      assert.equal((await sagas.search.show('trip-poor-ada'))?.error, null)
    }))
})

function asked(guest: string) {
  return { step: `saga:booking:trip-${guest}:room`, owner: `trip-${guest}`, replyTo: 'booking', data: { guest } }
}

async function send({ booking }: Pools, message: OutgoingMessage): Promise<void> {
  await postgres(booking).transaction(async (_, publish) => publish(message))
}

/** How many answers of an outcome the hotel has given to requests. */
async function repliesOf({ hotel }: Pools, outcome: string): Promise<number> {
  const { rows } = await hotel.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM estafet.outbox WHERE type = 'hotel.reserve-room.reply'
      AND payload::json ->> 'answers' = 'request' AND payload::json -> 'answer' ->> 'outcome' = $1`,
    [outcome],
  )
  return rows[0]?.n ?? 0
}
