import type { HandlerContext } from 'estafet'
import { on, type Sql } from 'estafet/postgres'
import { rooms, stayOf } from '../hotel/rooms.ts'
import {
  CarRefused,
  CarReleased,
  PaymentCharged,
  PaymentRefunded,
  PaymentRefused,
  RoomConfirmed,
  RoomRefused,
  RoomReleased,
  RoomReserved,
  type Trip,
  TripRequested,
  type WhyReleased,
} from '../messages.ts'

async function release(trip: Trip, reason: WhyReleased, { tx, publish }: HandlerContext<Sql>): Promise<void> {
  await rooms.release(tx, trip.tripId)
  publish(RoomReleased({ ...trip, reason }))
}

/** Reserves what a trip asks for, confirms what was paid, gives back what the next ones could not do. */
export const hotelReacts = [
  on(TripRequested, async ({ data }, { tx, publish }) => {
    const isHeld = await rooms.hold(tx, stayOf(data))
    publish(isHeld ? RoomReserved(data) : RoomRefused({ ...data, reason: 'no-room' }))
  }),
  on(PaymentCharged, async ({ data }, { tx, publish }) => {
    await rooms.confirm(tx, data.tripId)
    publish(RoomConfirmed(data))
  }),
  on(CarRefused, ({ data }, context) => release(data, 'no-car', context)),
  on(CarReleased, ({ data }, context) => release(data, data.reason, context)),
  // With a car, the room is given back after it: in reverse order.
  on(PaymentRefused, async ({ data }, context) => {
    if (!data.wantsCar) await release(data, 'card-declined', context)
  }),
  on(PaymentRefunded, async ({ data }, context) => {
    if (!data.wantsCar) await release(data, 'cancelled', context)
  }),
]
