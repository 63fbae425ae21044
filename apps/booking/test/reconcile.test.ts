import assert from 'node:assert/strict'
import { test } from 'node:test'
import { centsOf, decimalOf } from '../reconciliation/cents.ts'
import type { FileTrip } from '../reconciliation/file-trips.ts'
import type { Found, FoundPayments, FoundTrip } from '../reconciliation/found.ts'
import { reconcile } from '../reconciliation/reconcile.ts'

const about = (hotel: string, car: string): string => `${hotel}, 2015-07-01, 2, ${car}, No Deposit`
const ofFile = (tripId: string, more: Partial<FileTrip> = {}): FileTrip => ({
  ...{ tripId, about: about('City Hotel', 'car'), price: 10_000n, isCancelled: false, kept: 0n, ...more },
})
const file = [
  ofFile('a'),
  ofFile('b', { isCancelled: true, kept: 2_500n }),
  ofFile('c', { about: about('City Hotel', 'no car') }),
]
const trip = (state: string, more: Partial<FoundTrip> = {}): FoundTrip => ({
  ...{
    form: 'orchestrated',
    about: about('City Hotel', 'car'),
    price: 10_000n,
    state,
    refusal: null,
    kept: null,
    ...more,
  },
})
const trips: readonly (readonly [string, FoundTrip])[] = [
  ['a', trip('COMPLETED')],
  ['b', trip('CANCELLED', { kept: 2_500n })],
  ['c', trip('COMPENSATED', { about: about('City Hotel', 'no car'), refusal: 'card-declined' })],
]
const payments: readonly (readonly [string, FoundPayments])[] = [
  ['a', { charges: 1, charged: 10_000n, refunded: 0n }],
  ['b', { charges: 1, charged: 10_000n, refunded: 7_500n }],
]
const day = { place: 'City Hotel', day: '2015-07-01', capacity: 1, held: 1, recounted: 1 }
const good: Found = {
  trips: new Map(trips),
  nights: [day],
  carDays: [{ ...day, place: 'fleet' }],
  rooms: new Map([
    ['a', 'confirmed'],
    ['b', 'released'],
    ['c', 'released'],
  ]),
  cars: new Map([
    ['a', 'confirmed'],
    ['b', 'released'],
  ]),
  payments: new Map(payments),
  ...{ unsettledSteps: 0, openSagas: 0, openSteps: 0, openFlows: 0, parked: 0 },
}

test('what is as it should be is equal, with nothing in between', () => {
  const { isEqual, money } = reconcile(file, good)
  assert.equal(isEqual, true)
  assert.deepEqual(money, {
    ...{ charged: '200.00', refunded: '75.00', completed: '100.00', kept: '25.00', between: '0.00' },
  })
})

const changed = <Value>(map: ReadonlyMap<string, Value>, id: string, value: Value | null): ReadonlyMap<string, Value> =>
  new Map([...map].filter(([key]) => key !== id).concat(value === null ? [] : [[id, value]]))

const faults: Readonly<Record<string, readonly [Partial<Found>, RegExp]>> = {
  'a trip that is missing': [{ trips: changed(good.trips, 'a', null) }, /every row of the file/],
  'a trip that nobody asked for': [{ trips: changed(good.trips, 'x', trip('COMPLETED')) }, /every row of the file/],
  'another price': [{ trips: changed(good.trips, 'a', trip('COMPLETED', { price: 1n })) }, /every row of the file/],
  'a trip on its way': [{ trips: changed(good.trips, 'a', trip('PAYMENT_PROCESSED')) }, /at its end/],
  'a completed trip that was cancelled': [{ trips: changed(good.trips, 'b', trip('COMPLETED')) }, /at its end/],
  'a night sold twice': [{ nights: [{ ...day, held: 2, recounted: 2 }] }, /more rooms sold/],
  'a night counted wrong': [{ nights: [{ ...day, held: 0 }] }, /count of every night/],
  'a car rented twice': [{ carDays: [{ ...day, held: 2, recounted: 2 }] }, /more cars rented/],
  'a day of the fleet counted wrong': [{ carDays: [{ ...day, recounted: 0 }] }, /count of every day/],
  'a room held for nobody': [{ rooms: changed(good.rooms, 'c', 'reserved') }, /a room is confirmed/],
  'a room of a stranger': [{ rooms: changed(good.rooms, 'x', 'confirmed') }, /a room is confirmed/],
  'a completed trip without a room': [{ rooms: changed(good.rooms, 'a', null) }, /a room is confirmed/],
  'a car held for nobody': [{ cars: changed(good.cars, 'b', 'confirmed') }, /a car is confirmed/],
  'a completed trip without its car': [{ cars: changed(good.cars, 'a', 'reserved') }, /a car is confirmed/],
  'a card charged twice': [
    { payments: changed(good.payments, 'a', { charges: 2, charged: 20_000n, refunded: 10_000n }) },
    /charged twice/,
  ],
  'a refund that is missing': [
    { payments: changed(good.payments, 'c', { charges: 1, charged: 10_000n, refunded: 0n }) },
    /charged - refunded/,
  ],
  'a refund that is too much': [
    { payments: changed(good.payments, 'b', { charges: 1, charged: 10_000n, refunded: 10_000n }) },
    /charged - refunded/,
  ],
  'a fee that booking does not know': [
    { trips: changed(good.trips, 'b', trip('CANCELLED', { kept: 0n })) },
    /knows what was kept/,
  ],
  'a step that was never settled': [{ unsettledSteps: 1 }, /unsettled/],
  'a saga that goes on': [{ openSagas: 1 }, /no saga is open/],
  'a step of one': [{ openSteps: 1 }, /no saga is open/],
  'an answer that did not come': [{ openFlows: 1 }, /the answer is awaited/],
  'a message that waits': [{ parked: 1 }, /parked/],
}

for (const [name, [fault, check]] of Object.entries(faults)) {
  test(`${name} is seen`, () => {
    const { isEqual, checks } = reconcile(file, { ...good, ...fault })
    assert.equal(isEqual, false)
    assert.ok(
      checks.some(({ says, wrong }) => wrong > 0 && check.test(says)),
      JSON.stringify(checks.filter(({ wrong }) => wrong > 0)),
    )
  })
}

test('amounts are exact in both directions', () => {
  for (const [text, cents] of [
    ['0', 0n],
    ['75.5', 7_550n],
    ['0.07', 7n],
    ['-12.30', -1_230n],
    ['9007199254740993.01', 900_719_925_474_099_301n],
  ] as const) {
    assert.equal(centsOf(text), cents)
    assert.equal(centsOf(decimalOf(cents)), cents)
  }
  assert.equal(decimalOf(-7n), '-0.07')
  for (const text of ['', '1.234', 'NaN', '1e3']) assert.throws(() => centsOf(text), /is no amount/)
})
