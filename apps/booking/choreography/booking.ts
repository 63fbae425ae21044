import type { EventType, Handler, HandlerContext } from 'estafet'
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

/**
 * Follows what the others do. They are heard independently of each other, so that what came later may be heard earlier: a trip never
 * goes back to an earlier state. Whoever follows waits until the one before has committed: two transactions that hear of the same
 * trips in different orders would wait for each other's.
 */
function follow<Data>(
  event: EventType<never, Data>,
  handle: (data: Data, context: HandlerContext<Sql>) => Promise<void>,
): Handler<Sql> {
  return on(event, async ({ data }, context) => {
    await context.tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('following', 0))`)
    await handle(data, context)
  })
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

export const bookingReacts: readonly Handler<Sql>[] = [
  follow(RoomReserved, ({ tripId }, { tx }) => advance(tx, tripId, 'HOTEL_RESERVED')),
  follow(CarReserved, ({ tripId }, { tx }) => advance(tx, tripId, 'CAR_RESERVED')),
  follow(PaymentCharged, ({ tripId }, { tx }) => advance(tx, tripId, 'PAYMENT_PROCESSED')),
  follow(RoomConfirmed, async ({ tripId, wantsCar }, context) => {
    if (!wantsCar) await completed(tripId, context)
  }),
  follow(CarConfirmed, ({ tripId }, context) => completed(tripId, context)),
  follow(RoomRefused, ({ tripId, reason }, { tx }) => refused(tx, tripId, reason)),
  follow(PaymentRefunded, ({ tripId, kept }, { tx }) => noteKept(tx, tripId, kept)),
  follow(RoomReleased, ({ tripId, reason }, { tx }) =>
    reason === 'cancelled' ? advance(tx, tripId, 'CANCELLED') : refused(tx, tripId, reason),
  ),
]
