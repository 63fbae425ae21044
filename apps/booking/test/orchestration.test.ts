import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { refuse } from 'estafet'
import { does, type Participant, type ParticipantOptions, rehearse, rehearseCrashes } from 'estafet/simulation'
import { CancellationSaga, TripSaga } from '../booking/orchestration.ts'
import {
  ChargeCard,
  ConfirmCar,
  ConfirmRoom,
  RefundCard,
  ReleaseCar,
  ReleaseRoom,
  ReserveCar,
  ReserveRoom,
} from '../messages.ts'
import { tripOf } from '../smoke/steps.ts'

const input = tripOf('trip-1')
const cancelled = { ...input, cancelledOn: '2015-07-01' }
const nothing = () => null
const local = {
  ...{ 'create-booking': nothing, 'hotel-reserved': nothing, 'car-reserved': nothing, 'payment-processed': nothing },
  ...{ complete: nothing, 'note-refusal': nothing, cancelled: nothing },
}

type Name = 'ReserveRoom' | 'ReserveCar' | 'ChargeCard' | 'ConfirmRoom' | 'ConfirmCar' | 'RefundCard'

/** All services do what they are asked for, but for what is said of some. */
function services(
  but: Partial<Record<Name, ParticipantOptions>> = {},
  no: 'no-room' | 'no-car' | 'card-declined' | null = null,
): readonly Participant[] {
  const final = { canUndo: false }
  return [
    does(ReserveRoom, () => (no === 'no-room' ? refuse('no-room') : {}), but.ReserveRoom),
    does(ReserveCar, () => (no === 'no-car' ? refuse('no-car') : {}), but.ReserveCar),
    does(ChargeCard, () => (no === 'card-declined' ? refuse('card-declined') : { charged: '226.50' }), but.ChargeCard),
    does(ConfirmRoom, () => ({}), but.ConfirmRoom),
    does(ConfirmCar, () => ({}), but.ConfirmCar),
    does(RefundCard, () => ({ refunded: '151.00', kept: '75.50' }), { ...final, ...but.RefundCard }),
    does(ReleaseCar, () => ({}), final),
    does(ReleaseRoom, () => ({}), final),
  ]
}

const asks = ['hotel.reserve-room', 'car.reserve-car', 'payment.charge-card']
const confirmations = ['hotel.confirm-room', 'car.confirm-car']
const cancels = (types: readonly string[]): readonly string[] => types.toReversed().map((type) => `${type}.cancel`)

describe('a trip that booking leads, killed in each of its turns', () => {
  test('takes effect everywhere, once', async () => {
    for (const end of await rehearseCrashes(TripSaga, { input, local, given: services() })) {
      assert.equal(end.status, 'completed')
      const steps = ['charge-card', 'confirm-car', 'confirm-room', 'reserve-car', 'reserve-room']
      assert.deepEqual(end.effects, Object.fromEntries(steps.map((step) => [step, 1])))
    }
    const { sent } = await rehearse(TripSaga, { input, local, given: services() })
    assert.deepEqual(sent, [...asks, ...confirmations])
  })

  test('asks nobody for a car that is not wanted', async () => {
    const walker = { ...input, wantsCar: false }
    const { status, sent } = await rehearse(TripSaga, { input: walker, local, given: services() })
    assert.deepEqual([status, sent], ['completed', ['hotel.reserve-room', 'payment.charge-card', 'hotel.confirm-room']])
  })

  for (const [no, taken] of [
    ['no-room', []],
    ['no-car', asks.slice(0, 1)],
    ['card-declined', asks.slice(0, 2)],
  ] as const) {
    test(`${no}: what was reserved is taken back in reverse order`, async () => {
      const given = services({}, no)
      for (const end of await rehearseCrashes(TripSaga, { input, local, given })) {
        assert.deepEqual([end.status, end.failure], ['compensated', no])
        assert.ok(Object.values(end.effects).every((effect) => effect === 0))
      }
      const { sent, steps } = await rehearse(TripSaga, { input, local, given })
      assert.deepEqual(sent, [...asks.slice(0, taken.length + 1), ...cancels(taken)])
      assert.equal(steps['create-booking'], 'undone')
    })
  }

  test('a confirmation that comes too late: all is taken back, and the money first', async () => {
    const given = services({ ConfirmRoom: { takesMs: 10 * 60_000 } })
    for (const end of await rehearseCrashes(TripSaga, { input, local, given })) {
      assert.deepEqual([end.status, end.failure], ['compensated', 'no-answer'])
      assert.ok(Object.values(end.effects).every((effect) => effect === 0))
    }
    const { sent } = await rehearse(TripSaga, { input, local, given })
    assert.deepEqual(
      sent.filter((type) => type.endsWith('.cancel') && asks.some((ask) => type === `${ask}.cancel`)),
      cancels(asks),
    )
  })

  test('a reply that never comes, and a compensation that fails for a while', async () => {
    const given = services({ ChargeCard: { lostReplies: 1, undoFailures: 5 }, ReserveRoom: { undoFailures: 3 } })
    for (const end of await rehearseCrashes(TripSaga, { input, local, given })) {
      // Killed, it asks again, and the answer that is lost may be one of two.
      const all = Object.values(end.effects)
      if (end.status === 'completed') assert.ok(all.every((effect) => effect === 1))
      else assert.ok(end.status === 'compensated' && all.every((effect) => effect === 0))
    }
    assert.equal((await rehearse(TripSaga, { input, local, given })).failure, 'no-answer')
  })

  test('messages that are lost, doubled and late: all of it, or nothing', async () => {
    const ends = { completed: 0, compensated: 0 }
    for (let seed = 1; seed <= 150; seed++) {
      const network = { seed, lose: 0.1, double: 0.2, delayMs: 50_000 }
      const { status, effects } = await rehearse(TripSaga, { input, local, given: services(), network })
      assert.ok(status === 'completed' || status === 'compensated', `seed ${seed}: ${status}`)
      ends[status] += 1
      const wanted = status === 'completed' ? 1 : 0
      assert.ok(
        Object.values(effects).every((effect) => effect === wanted),
        `seed ${seed}: ${status}, ${JSON.stringify(effects)}`,
      )
    }
    assert.ok(ends.completed > 0 && ends.compensated > 0, JSON.stringify(ends))
  })
})

describe('a completed trip that its guest gives up, killed in each of its turns', () => {
  const given = services({ RefundCard: { lostReplies: 1 } })
  const backwards = ['payment.refund-card', 'car.release-car', 'hotel.release-room']

  test('is refunded and given back once, although an answer is lost', async () => {
    for (const end of await rehearseCrashes(CancellationSaga, { input: cancelled, local, given })) {
      assert.equal(end.status, 'completed')
      assert.deepEqual(Object.values(end.effects), [1, 1, 1])
    }
    const { sent } = await rehearse(CancellationSaga, { input: cancelled, local, given: services() })
    assert.deepEqual(sent, backwards)
  })

  test('by its own saga, when that completed it meanwhile; it does not go back from there', async () => {
    const meanwhile = { ...local, complete: () => cancelled }
    for (const end of await rehearseCrashes(TripSaga, { input, local: meanwhile, given })) {
      assert.equal(end.status, 'completed')
      assert.ok(Object.values(end.effects).every((effect) => effect === 1))
    }
    const { sent } = await rehearse(TripSaga, { input, local: meanwhile, given: services() })
    assert.deepEqual(sent, [...asks, ...confirmations, ...backwards])
  })
})
