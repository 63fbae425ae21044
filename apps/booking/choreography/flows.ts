import { flow } from 'estafet'
import {
  CarConfirmed,
  CarRefused,
  CarReleased,
  CarReserved,
  PaymentCharged,
  PaymentRefunded,
  PaymentRefused,
  RoomConfirmed,
  RoomRefused,
  RoomReleased,
  RoomReserved,
  TripCancelled,
  TripRequested,
} from '../messages.ts'

/** Longer than it takes until a service, its database and a broker are there again, one after the other. */
const withinMs = 60_000

/** How a trip should go when nobody leads: what is held is confirmed or given back in the end. */
export const TripFlow = flow('trip', {
  begins: TripRequested,
  expects: [
    { after: TripRequested, oneOf: [RoomReserved, RoomRefused], withinMs },
    { after: RoomReserved, oneOf: [CarReserved, CarRefused, PaymentCharged, PaymentRefused], withinMs },
    { after: CarReserved, oneOf: [PaymentCharged, PaymentRefused], withinMs },
    { after: CarReserved, oneOf: [CarConfirmed, CarReleased], withinMs },
    { after: RoomReserved, oneOf: [RoomConfirmed, RoomReleased], withinMs },
  ],
  ends: [
    ...[RoomRefused, CarRefused, PaymentCharged, PaymentRefused],
    ...[RoomConfirmed, CarConfirmed, RoomReleased, CarReleased],
  ],
})

/** How a completed trip that its guest gives up should go. */
export const CancellationFlow = flow('cancellation', {
  begins: TripCancelled,
  expects: [
    { after: TripCancelled, oneOf: [PaymentRefunded], withinMs },
    { after: PaymentRefunded, oneOf: [RoomReleased], withinMs },
  ],
  ends: [RoomReleased],
})
