import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isEstafetError, type Running } from 'estafet'
import { sagas } from 'estafet/postgres'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import {
  type Booking,
  newDatabases,
  type Pools,
  poolsOf,
  silent,
  startBooking,
  startParticipants,
  type TripSaga,
  totals,
  tripOf,
  until,
} from './trip-system.ts'

const first = tripOf('trip', 60_000)
const second = tripOf('trip', 60_000, 2)

describe('a new version of a trip', () => {
  let server: PostgresServer
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => server.stop())

  /** One trip has begun under the first version and waits, because nobody is there to be asked. */
  async function deploying(
    work: (system: {
      readonly pools: Pools
      readonly deploy: (of: readonly TripSaga[]) => Promise<Booking>
      readonly arrive: () => Promise<void>
    }) => Promise<void>,
  ): Promise<void> {
    const pools = poolsOf(await newDatabases(server))
    const bookings: Booking[] = []
    const participants: Running[] = []
    try {
      const old = await startBooking(pools, { of: [first] })
      await old.begin('ada', first)
      await old.stop()
      await work({
        pools,
        async deploy(of) {
          const booking = await startBooking(pools, { of })
          bookings.push(booking)
          return booking
        },
        async arrive() {
          participants.push(...(await startParticipants(pools)))
        },
      })
    } finally {
      await Promise.all([...bookings, ...participants].map((each) => each.stop(2_000)))
      await Promise.all(Object.values(pools).map((pool) => pool.end()))
    }
  }

  test('beside the old one: each trip goes on with its own', () =>
    deploying(async ({ pools, deploy, arrive }) => {
      const both = await deploy([first, second])
      await both.begin('bob', second)
      await arrive()
      await both.sagas.ended(first, 'trip-ada')
      await both.sagas.ended(second, 'trip-bob')
      assert.deepEqual((await totals(pools)).trips, { ada: 'COMPLETED', bob: 'COMPLETED by 2' })
      assert.equal((await both.sagas.search.show('trip-ada'))?.version, 1)
    }))

  test('that continues the old one takes its trips over, by the steps that they have done', () =>
    deploying(async ({ pools, deploy, arrive }) => {
      const booking = await deploy([tripOf('trip', 60_000, 3, [1, 2])])
      await arrive()
      await booking.sagas.ended(first, 'trip-ada')
      assert.deepEqual((await totals(pools)).trips, { ada: 'COMPLETED by 3' })
      const shown = await booking.sagas.search.show('trip-ada')
      assert.equal(shown?.version, 3)
      assert.deepEqual((await totals(pools)).charges, 1)
    }))

  test('alone lets the old trips wait, keeps what comes for them, and is not stopped by them', () =>
    deploying(async ({ pools, deploy, arrive }) => {
      const alone = await deploy([second])
      await arrive()
      await alone.begin('bob', second)
      await alone.sagas.ended(second, 'trip-bob')
      await until('the answer is kept', async () => {
        const steps = (await alone.sagas.search.show('trip-ada'))?.steps ?? []
        return steps.some(({ name, state }) => name === 'room' && state === 'done')
      })
      const [waits] = (await alone.sagas.search.summary()).filter(({ version }) => version === 1)
      assert.deepEqual([waits?.status, waits?.sagas], ['running', 1])
      assert.equal((await totals(pools)).trips['ada'], 'BOOKING_CREATED')
      // As if it had waited for longer than a minute.
      await pools.booking.query(`UPDATE estafet.saga SET due_at = due_at - interval '1 hour' WHERE id = 'trip-ada'`)
      const lines: string[] = []
      const logger = {
        ...silent,
        error: (text: string, fields?: object) => void lines.push(`${text} ${JSON.stringify(fields)}`),
      }
      const loud = await sagas(pools.booking, { service: 'booking', of: [second], logger }).start({ lookMs: 20 })
      await until('it is said aloud', async () => lines.length > 0)
      await loud.stop()
      assert.match(lines[0] ?? '', /^sagas are stuck .*"type":"trip","version":1,"sagas":1/)
      const both = await deploy([first, second])
      await both.sagas.ended(first, 'trip-ada')
      assert.equal((await totals(pools)).trips['ada'], 'COMPLETED')
    }))

  test('whose text changed under the same number is refused while trips of it run', () =>
    deploying(async ({ deploy }) => {
      const changed: TripSaga = { ...first, hash: 'another' }
      await assert.rejects(
        deploy([changed]),
        (error) => isEstafetError(error, 'MISCONFIGURED') && /version 1 of trip/.test(error.message),
      )
    }))
})
