import type { Handler, HandlerContext } from 'estafet'
import { on, type Sql } from 'estafet/postgres'
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

/** A trip that was cancelled before it was completed is given up as soon as it is. */
async function completed(tripId: string, { tx, publish }: HandlerContext<Sql>): Promise<void> {
  const cancelled = await complete(tx, tripId)
  if (cancelled !== null) publish(TripCancelled(cancelled))
}

/**
 * Follows what the others do. They are heard independently of each other, so that what came later may be heard earlier: a trip never
 * goes back to an earlier state.
 */
export const bookingReacts: readonly Handler<Sql>[] = [
  on(RoomReserved, ({ data }, { tx }) => advance(tx, data.tripId, 'HOTEL_RESERVED')),
  on(CarReserved, ({ data }, { tx }) => advance(tx, data.tripId, 'CAR_RESERVED')),
  on(PaymentCharged, ({ data }, { tx }) => advance(tx, data.tripId, 'PAYMENT_PROCESSED')),
  on(RoomConfirmed, async ({ data }, context) => {
    if (!data.wantsCar) await completed(data.tripId, context)
  }),
  on(CarConfirmed, ({ data }, context) => completed(data.tripId, context)),
  on(RoomRefused, ({ data }, { tx }) => refused(tx, data.tripId, data.reason)),
  on(PaymentRefunded, ({ data }, { tx }) => noteKept(tx, data.tripId, data.kept)),
  on(RoomReleased, ({ data: { tripId, reason } }, { tx }) =>
    reason === 'cancelled' ? advance(tx, tripId, 'CANCELLED') : refused(tx, tripId, reason),
  ),
]

async function refused(tx: Sql, tripId: string, reason: string): Promise<void> {
  await noteRefusal(tx, tripId, reason)
  await compensated(tx, tripId)
}
