import { event, flow } from 'estafet'
import * as z from 'zod'

const about = { version: 1, schema: z.object({ trip: z.string() }), key: ({ trip }: { trip: string }) => trip }

export const TripRequested = event('trip.requested', about)
export const RoomReserved = event('hotel.room-reserved', about)
export const RoomRefused = event('hotel.room-refused', about)
export const RoomReleased = event('hotel.room-released', about)
export const CarReserved = event('car.reserved', about)
export const CarRefused = event('car.refused', about)

const minute = 60_000

export const Trip = flow('trip', {
  begins: TripRequested,
  expects: [
    { after: TripRequested, oneOf: [RoomReserved, RoomRefused], withinMs: minute },
    { after: RoomReserved, oneOf: [CarReserved, CarRefused], withinMs: minute },
    { after: CarRefused, oneOf: [RoomReleased], withinMs: minute },
  ],
  ends: [RoomRefused, CarReserved, RoomReleased],
})
