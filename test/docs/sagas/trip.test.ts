import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuse } from 'estafet'
import { does, rehearse, rehearseCrashes } from 'estafet/simulation'
import { ChargeCard, ReserveRoom, Trip } from './trip.ts'

const input = { guest: 'ada', price: '99.50' }
const local = { create: () => null, complete: () => null }

test('a trip that is not paid gives its room back, wherever its process is killed', async () => {
  const given = [does(ReserveRoom, () => ({ room: 7 })), does(ChargeCard, () => refuse('declined'))]
  for (const end of await rehearseCrashes(Trip, { input, local, given })) {
    assert.deepEqual([end.status, end.failure], ['compensated', 'not-paid'])
    assert.deepEqual(end.effects, { room: 0 })
  }
})

test('a hotel that takes too long is told to take it back', async () => {
  const given = [does(ReserveRoom, () => ({ room: 7 }), { takesMs: 90_000 }), does(ChargeCard, () => ({}))]
  const end = await rehearse(Trip, { input, local, given })
  assert.deepEqual(end.sent, ['hotel.reserve-room', 'hotel.reserve-room.cancel'])
  assert.deepEqual([end.status, end.effects], ['compensated', {}])
})
