import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeclined } from '../payment/card.ts'
import { keptOf, priceOf } from '../payment/terms.ts'

const trip = { arrival: '2015-07-10', nights: 3, pricePerNight: '33.35' }

test('a price is exact', () => {
  assert.equal(priceOf(trip), '100.05')
  assert.equal(priceOf({ nights: 60, pricePerNight: '0.1' }), '6.00')
  assert.equal(priceOf({ nights: 0, pricePerNight: '99' }), '0.00')
})

test('what is kept of a cancelled trip follows its deposit, and whether the day of arrival has come', () => {
  const kept = (deposit: 'No Deposit' | 'Refundable' | 'Non Refund') =>
    ['2015-07-09', '2015-07-10', '2015-07-11'].map((day) => keptOf({ ...trip, deposit }, day))
  assert.deepEqual(kept('No Deposit'), ['0.00', '33.35', '33.35'])
  assert.deepEqual(kept('Refundable'), ['33.35', '100.05', '100.05'])
  assert.deepEqual(kept('Non Refund'), ['100.05', '100.05', '100.05'])
})

test('of a visit of a day nothing is kept, which has no night', () => {
  for (const deposit of ['No Deposit', 'Refundable', 'Non Refund'] as const) {
    assert.equal(keptOf({ ...trip, nights: 0, deposit }, '2015-07-10'), '0.00')
  }
})

test('about one card of 50 is declined, each time the same', () => {
  const ids = Array.from({ length: 10_000 }, (_, at) => `line-${at}`)
  const declined = ids.filter(isDeclined)
  assert.ok(declined.length > 150 && declined.length < 250, String(declined.length))
  assert.deepEqual(ids.filter(isDeclined), declined)
})
