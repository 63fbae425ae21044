import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { forms } from '../booking/trips.ts'
import { entriesOf, type Guest, guestOf, heldFor, idWithCard, tripOf } from '../smoke/steps.ts'
import { type ServiceName, serviceNames } from '../system/services.ts'
import { type System, startSystem } from '../system/system.ts'

const home = mkdtempSync(join(tmpdir(), 'estafet-scenarios-'))
const silent = { debug() {}, info() {}, warn() {}, error() {} }
let system: System
let guest: Guest
before(async () => {
  system = await startSystem(home, { logger: silent, quiet: true })
  await system.supervisor.ready()
  guest = guestOf(system)
})
after(async () => {
  await system?.stop()
  rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
})

const created = ['STARTED', 'BOOKING_CREATED']
const reserved = [...created, 'HOTEL_RESERVED', 'CAR_RESERVED']
/** A state that is told by somebody else than the next one is. */
const passedOver = ['HOTEL_RESERVED', 'CAR_RESERVED', 'PAYMENT_PROCESSED']
const completed = [...reserved, 'PAYMENT_PROCESSED', 'COMPLETED']

/** What the services said about a trip, each with what made it say so. */
async function said(tripId: string): Promise<ReadonlyMap<string, string>> {
  const all: { id: string; type: string; cause: string | null }[] = []
  for (const service of serviceNames) {
    const text = `SELECT id::text, type, causation_id::text AS cause FROM estafet.outbox_messages WHERE key IN ($1, $1 || ' cancel', $1 || ' reply')`
    all.push(...(await guest.rows<(typeof all)[number]>(service, text, [tripId])))
  }
  const types = new Map(all.map(({ id, type }) => [id, type]))
  return new Map(all.map(({ type, cause }) => [type, types.get(cause ?? '') ?? 'a guest']))
}

async function withCapacity(service: ServiceName, places: string, capacity: number, work: () => Promise<void>) {
  const [before] = await guest.rows<{ capacity: number }>(service, `SELECT max(capacity) AS capacity FROM ${places}`)
  const set = (to: number) => guest.rows(service, `UPDATE ${places} SET capacity = $1`, [to])
  await set(capacity)
  try {
    await work()
  } finally {
    await set(before?.capacity ?? 0)
  }
}

for (const form of forms) {
  describe(`a trip, ${form}`, () => {
    const id = (name: string, card: 'good' | 'declined' = 'good'): string =>
      idWithCard(`${form.slice(0, 2)}-${name}`, card)
    const ask = async (trip: ReturnType<typeof tripOf>): Promise<void> => {
      assert.equal((await guest.ask('/trips', { ...trip, form })).status, 201)
    }
    /** Who leads hears in order; who only listens may hear what came later first, and then passes over a state. */
    const wentBy = (went: readonly { state: string }[], states: readonly string[]): void => {
      const seen = went.map(({ state }) => state)
      const mayMiss = form === 'orchestrated' ? [] : passedOver
      assert.deepEqual(
        seen,
        states.filter((state) => seen.includes(state) || !mayMiss.includes(state)),
      )
    }

    test('everything succeeds', async () => {
      const trip = tripOf(id('good'))
      await ask(trip)
      const { went } = await guest.seen(trip.tripId, 'COMPLETED')
      wentBy(went, completed)
      assert.deepEqual(await heldFor(guest, trip.tripId), ['confirmed', 'confirmed'])
      assert.deepEqual(await entriesOf(guest, trip.tripId), ['charge 226.50'])
    })

    test('without a car nobody reserves one', async () => {
      const trip = tripOf(id('walker'), { wantsCar: false })
      await ask(trip)
      const { went } = await guest.seen(trip.tripId, 'COMPLETED')
      wentBy(
        went,
        completed.filter((state) => state !== 'CAR_RESERVED'),
      )
      assert.deepEqual(await heldFor(guest, trip.tripId), ['confirmed', null])
    })

    test('no room', () =>
      withCapacity('hotel', 'hotel', 0, async () => {
        // A day that nobody asked for before: the rooms of others were counted when they were.
        const trip = tripOf(id('late'), { arrival: form === 'orchestrated' ? '2016-01-01' : '2016-02-01' })
        await ask(trip)
        const { went, refusal } = await guest.seen(trip.tripId, 'COMPENSATED')
        wentBy(went, [...created, 'COMPENSATED'])
        assert.equal(refusal, 'no-room')
        assert.deepEqual(await heldFor(guest, trip.tripId), [null, null])
        assert.deepEqual(await entriesOf(guest, trip.tripId), [])
      }))

    test('no car: the room is given back', () =>
      withCapacity('car', 'fleet', 0, async () => {
        const trip = tripOf(id('carless'), { arrival: form === 'orchestrated' ? '2016-03-01' : '2016-04-01' })
        await ask(trip)
        const { refusal } = await guest.seen(trip.tripId, 'COMPENSATED')
        assert.equal(refusal, 'no-car')
        assert.deepEqual(await heldFor(guest, trip.tripId), ['released', null])
        assert.deepEqual(await entriesOf(guest, trip.tripId), [])
      }))

    test('the payment is refused after room and car were reserved: both are given back, the car first', async () => {
      const trip = tripOf(id('poor', 'declined'))
      await ask(trip)
      const { went, refusal } = await guest.seen(trip.tripId, 'COMPENSATED')
      wentBy(went, [...reserved, 'COMPENSATED'])
      assert.equal(refusal, 'card-declined')
      assert.deepEqual(await heldFor(guest, trip.tripId), ['released', 'released'])
      assert.deepEqual(await entriesOf(guest, trip.tripId), [])
      const causes = await said(trip.tripId)
      if (form === 'choreographed') {
        assert.equal(causes.get('car.released'), 'payment.refused')
        assert.equal(causes.get('room.released'), 'car.released')
      } else {
        assert.equal(causes.get('car.reserve-car.cancel'), 'payment.charge-card.reply')
        assert.equal(causes.get('hotel.reserve-room.cancel'), 'car.reserve-car.reply')
      }
    })

    test('a free stay is not declined, and nobody is paid back for it', async () => {
      const trip = tripOf(id('free', 'declined'), { pricePerNight: '0', wantsCar: false })
      await ask(trip)
      await guest.seen(trip.tripId, 'COMPLETED')
      await guest.ask(`/trips/${trip.tripId}/cancellation`, { on: trip.arrival })
      await guest.seen(trip.tripId, 'CANCELLED')
      assert.deepEqual(await entriesOf(guest, trip.tripId), ['charge 0.00'])
    })

    test('cancelled after it was completed: the money by the terms of the deposit, then the car, then the room', async () => {
      for (const [deposit, entries] of [
        ['No Deposit', ['charge 226.50', 'refund 226.50']],
        ['Refundable', ['charge 226.50', 'refund 151.00']],
        ['Non Refund', ['charge 226.50']],
      ] as const) {
        const trip = tripOf(id(`gone-${deposit.toLowerCase().replace(' ', '-')}`), { deposit })
        await ask(trip)
        await guest.seen(trip.tripId, 'COMPLETED')
        const cancel = () => guest.ask(`/trips/${trip.tripId}/cancellation`, { on: '2015-06-30' })
        assert.equal((await cancel()).status, 202)
        assert.equal((await cancel()).status, 202)
        const { went } = await guest.seen(trip.tripId, 'CANCELLED')
        wentBy(went, [...completed, 'CANCELLING', 'CANCELLED'])
        await cancel()
        assert.deepEqual(await entriesOf(guest, trip.tripId), entries)
        assert.deepEqual(await heldFor(guest, trip.tripId), ['released', 'released'])
      }
    })

    test('given up before it was completed, it is cancelled as soon as it is', async () => {
      const trip = tripOf(id('hasty'))
      await ask(trip)
      await guest.ask(`/trips/${trip.tripId}/cancellation`, { on: trip.arrival })
      const { kept } = await guest.seen(trip.tripId, 'CANCELLED')
      assert.equal(kept, '75.50')
      assert.deepEqual(await entriesOf(guest, trip.tripId), ['charge 226.50', 'refund 151.00'])
    })

    test('given up although it never came about, it stays as it was', async () => {
      const trip = tripOf(id('hopeless', 'declined'))
      await ask(trip)
      await guest.ask(`/trips/${trip.tripId}/cancellation`, { on: trip.arrival })
      await guest.seen(trip.tripId, 'COMPENSATED')
      const { status, text } = await guest.ask(`/trips/${trip.tripId}/cancellation`, { on: trip.arrival })
      assert.deepEqual([status, JSON.parse(text).state], [202, 'COMPENSATED'])
    })
  })
}

describe('the HTTP interface of booking', () => {
  test('takes a trip once, and refuses another one under its id', async () => {
    const trip = { ...tripOf(idWithCard('twice', 'good')), form: 'choreographed' }
    assert.deepEqual(
      [await guest.ask('/trips', trip), await guest.ask('/trips', trip)].map(({ status }) => status),
      [201, 200],
    )
    const other = await guest.ask('/trips', { ...trip, nights: 4 })
    assert.equal(other.status, 409)
    assert.match(other.text, /"field":"tripId"/)
  })

  test('names what is invalid and writes nothing', async () => {
    const bad = { ...tripOf('bad'), form: 'choreographed', hotel: 'Grand Hotel', arrival: '2015-02-30', nights: 1.5 }
    const { status, text } = await guest.ask('/trips', bad)
    assert.equal(status, 422)
    const { errors }: { errors: readonly { field: string }[] } = JSON.parse(text)
    assert.deepEqual(errors.map(({ field }) => field).sort(), ['arrival', 'hotel', 'nights'])
    assert.equal((await guest.ask('/trips/bad/cancellation', { on: '2015-07-01' })).status, 404)
    assert.equal((await guest.ask('/trips/twice/cancellation', { on: 'soon' })).status, 422)
  })

  test('each service may do its work in its own database, and no more', async () => {
    const denied = (database: ServiceName, role: ServiceName, text: string): Promise<unknown> =>
      guest.rows(database, `DO $$ BEGIN SET LOCAL ROLE ${role}; ${text}; END $$`).then(
        () => 'allowed',
        (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
      )
    assert.equal(await denied('payment', 'payment', 'PERFORM FROM ledger_entry'), 'allowed')
    assert.equal(await denied('payment', 'payment', 'UPDATE ledger_entry SET amount = 0'), '42501')
    assert.equal(await denied('payment', 'payment', 'DELETE FROM ledger_entry'), '42501')
    assert.equal(await denied('payment', 'hotel', 'PERFORM FROM ledger_entry'), '42501')
    assert.equal(await denied('hotel', 'hotel', 'UPDATE hotel SET capacity = 1000'), '42501')
    assert.equal(await denied('booking', 'car', 'PERFORM FROM trip'), '42501')
  })
})
