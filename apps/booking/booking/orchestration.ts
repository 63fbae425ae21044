import { type AskedCommand, compensate, type Steps } from 'estafet'
import { type Sql, saga } from 'estafet/postgres'
import {
  ChargeCard,
  ConfirmCar,
  ConfirmRoom,
  cancelled,
  RefundCard,
  ReleaseCar,
  ReleaseRoom,
  ReserveCar,
  ReserveRoom,
  trip,
} from '../messages.ts'
import { advance, type Cancelled, compensated, complete, noteKept, noteRefusal } from './trips.ts'

/** Longer than it takes until a service, its database and a broker are there again, one after the other. */
const patience = { timeoutMs: 60_000 }

/**
 * A trip, led by booking: all of it takes effect, or nothing does. What its services said no to, or did not answer in time, takes it
 * back in reverse order: refund, car, room, booking.
 */
export const TripSaga = saga('trip', {
  version: 1,
  input: trip,
  uses: [ReserveRoom, ReserveCar, ChargeCard, ConfirmRoom, ConfirmCar, RefundCard, ReleaseCar, ReleaseRoom],
  async run(steps, wanted) {
    const { tripId, wantsCar, hotel, arrival, nights } = wanted
    const stay = { tripId, hotel, arrival, nights }
    const failed = async (answer: { readonly outcome: 'refused' | 'cancelled'; readonly refusal?: string }) => {
      const reason = answer.refusal ?? 'no-answer'
      await steps.run('note-refusal', ({ tx }) => noteRefusal(tx, tripId, reason))
      return compensate(reason)
    }
    await steps.run('create-booking', ({ tx }) => advance(tx, tripId, 'BOOKING_CREATED'), {
      undo: (_, { tx }) => compensated(tx, tripId),
    })
    const room = await steps.request('reserve-room', ReserveRoom, stay, patience)
    if (room.outcome !== 'done') return failed(room)
    await steps.run('hotel-reserved', ({ tx }) => advance(tx, tripId, 'HOTEL_RESERVED'))
    if (wantsCar) {
      const car = await steps.request('reserve-car', ReserveCar, stay, patience)
      if (car.outcome !== 'done') return failed(car)
      await steps.run('car-reserved', ({ tx }) => advance(tx, tripId, 'CAR_RESERVED'))
    }
    const payment = await steps.request('charge-card', ChargeCard, wanted, patience)
    if (payment.outcome !== 'done') return failed(payment)
    await steps.run('payment-processed', ({ tx }) => advance(tx, tripId, 'PAYMENT_PROCESSED'))
    const confirmations = await Promise.all([
      steps.request('confirm-room', ConfirmRoom, { tripId }, patience),
      ...(wantsCar ? [steps.request('confirm-car', ConfirmCar, { tripId }, patience)] : []),
    ])
    for (const confirmed of confirmations) if (confirmed.outcome !== 'done') return failed(confirmed)
    const given = await steps.run('complete', ({ tx }) => complete(tx, tripId), { isPivot: true })
    if (given !== null) await cancel(steps, given)
    return {}
  },
})

/** What follows when a guest gives a completed trip up. */
export const CancellationSaga = saga('cancellation', {
  version: 1,
  input: cancelled,
  uses: [RefundCard, ReleaseCar, ReleaseRoom],
  async run(steps, given) {
    await steps.run('given-up', async () => null, { isPivot: true })
    await cancel(steps, given)
    return {}
  },
})

/** The money first, by the terms of the deposit, and then what it was for, in reverse order. There is no way back from here. */
async function cancel(steps: Steps<Sql>, given: Cancelled): Promise<void> {
  const { tripId } = given
  const { kept } = await insist(steps, 'refund', RefundCard, given)
  if (given.wantsCar) await insist(steps, 'release-car', ReleaseCar, { tripId })
  await insist(steps, 'release-room', ReleaseRoom, { tripId })
  await steps.run('cancelled', async ({ tx }) => {
    await noteKept(tx, tripId, kept)
    await advance(tx, tripId, 'CANCELLED')
  })
}

/** Asks until it is done: an answer that did not come in time took it back, and then it is asked for anew. */
async function insist<Input, Result>(
  steps: Steps<Sql>,
  name: string,
  command: AskedCommand<Input, Result, never>,
  data: Input,
): Promise<Result> {
  for (let time = 1; ; time++) {
    const answer = await steps.request(`${name}-${time}`, command, data, { ...patience, hasUndo: false })
    if (answer.outcome === 'done') return answer.result
  }
}
