import type { Handler, HandlerContext } from 'estafet'
import { follow, on, type Sql } from 'estafet/postgres'
import { advance, compensated, complete, noteKept, noteRefusal } from '../booking/trips.ts'
import {
  CarConfirmed,
  CarReserved,
  PaymentCharged,
  PaymentRefunded,
  RoomConfirmed,
  RoomRefused,
  RoomReleased,
  RoomReserved,
  TripCancelled,
} from '../messages.ts'
import { CancellationFlow, TripFlow } from './flows.ts'

/**
 * Waits until the one before has committed: the others are heard independently of each other, and two transactions that hear of the
 * same trips in different orders would wait for each other's.
 */
function inTurn(handler: Handler<Sql>): Handler<Sql> {
  return {
    ...handler,
    async run(messages, context) {
      await context.tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('following', 0))`)
      await handler.run(messages, context)
    },
  }
}

/** A trip that was cancelled before it was completed is given up as soon as it is. */
async function completed(tripId: string, { tx, publish }: HandlerContext<Sql>): Promise<void> {
  const cancelled = await complete(tx, tripId)
  if (cancelled !== null) publish(TripCancelled(cancelled))
}

async function refused(tx: Sql, tripId: string, reason: string): Promise<void> {
  await noteRefusal(tx, tripId, reason)
  await compensated(tx, tripId)
}

/** Moves trips on as the others report; what came later may be heard earlier, so that a trip never goes back to an earlier state. */
const moving = [
  on(RoomReserved, ({ data: { tripId } }, { tx }) => advance(tx, tripId, 'HOTEL_RESERVED')),
  on(CarReserved, ({ data: { tripId } }, { tx }) => advance(tx, tripId, 'CAR_RESERVED')),
  on(PaymentCharged, ({ data: { tripId } }, { tx }) => advance(tx, tripId, 'PAYMENT_PROCESSED')),
  on(RoomConfirmed, async ({ data: { tripId, wantsCar } }, context) => {
    if (!wantsCar) await completed(tripId, context)
  }),
  on(CarConfirmed, ({ data: { tripId } }, context) => completed(tripId, context)),
  on(RoomRefused, ({ data: { tripId, reason } }, { tx }) => refused(tx, tripId, reason)),
  on(PaymentRefunded, ({ data: { tripId, kept } }, { tx }) => noteKept(tx, tripId, kept)),
  on(RoomReleased, ({ data: { tripId, reason } }, { tx }) =>
    reason === 'cancelled' ? advance(tx, tripId, 'CANCELLED') : refused(tx, tripId, reason),
  ),
]

/** Nobody leads, but booking sees how far each trip has got. */
export const bookingReacts = [...moving, ...follow(TripFlow), ...follow(CancellationFlow)].map(inTurn)
