import type { HandlerContext } from 'estafet'
import { on, type Sql } from 'estafet/postgres'
import { cars, rentalOf } from '../car/cars.ts'
import {
  CarConfirmed,
  CarRefused,
  CarReleased,
  CarReserved,
  PaymentRefunded,
  PaymentRefused,
  RoomConfirmed,
  RoomReserved,
  type Trip,
  type WhyReleased,
} from '../messages.ts'

async function release(trip: Trip, reason: WhyReleased, { tx, publish }: HandlerContext<Sql>): Promise<void> {
  if (!trip.wantsCar) return
  await cars.release(tx, trip.tripId)
  publish(CarReleased({ ...trip, reason }))
}

/** Reserves, confirms and gives back a car after the hotel did so with the room, or before it; for who wants one. */
export const carReacts = [
  on(RoomReserved, async ({ data }, { tx, publish }) => {
    if (!data.wantsCar) return
    const isHeld = await cars.hold(tx, rentalOf(data))
    publish(isHeld ? CarReserved(data) : CarRefused({ ...data, reason: 'no-car' }))
  }),
  on(RoomConfirmed, async ({ data }, { tx, publish }) => {
    if (!data.wantsCar) return
    await cars.confirm(tx, data.tripId)
    publish(CarConfirmed(data))
  }),
  on(PaymentRefused, ({ data }, context) => release(data, 'card-declined', context)),
  on(PaymentRefunded, ({ data }, context) => release(data, 'cancelled', context)),
]
