import { command, type EventType, event, type MessageContext, replyTopic } from 'estafet'
import * as z from 'zod'

/** A decimal with up to two places, as text: money is never a binary float. */
export const money = z.string().regex(/^\d{1,9}(\.\d{1,2})?$/, 'must be a decimal of at least 0, with at most 2 places')

export const tripId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,59}$/, 'must be 1 to 60 of a-z 0-9 -')
export const hotels = ['City Hotel', 'Resort Hotel'] as const
export const deposits = ['No Deposit', 'Refundable', 'Non Refund'] as const
export const day = z.iso.date()
const key = (data: { readonly tripId: string }): string => data.tripId

/** What a guest asks for. */
export const trip = z.object({
  tripId,
  hotel: z.enum(hotels),
  arrival: day,
  /** 0 is a day visit: it takes no room over night, and a car for the day. */
  nights: z.int().min(0).max(365),
  wantsCar: z.boolean(),
  deposit: z.enum(deposits),
  pricePerNight: money,
})
export type Trip = z.infer<typeof trip>

const stay = trip.pick({ tripId: true, hotel: true, arrival: true, nights: true })
const nothing = z.object({})
const of = z.object({ tripId })

// What the services are asked for, by whoever leads a trip through.

export const ReserveRoom = command('hotel.reserve-room', {
  ...{ version: 1, to: 'hotel', schema: stay, reply: nothing, refusals: ['no-room'] },
})
export const ConfirmRoom = command('hotel.confirm-room', { version: 1, to: 'hotel', schema: of, reply: nothing })
/** Of a trip that was completed; before that, reserving is taken back. */
export const ReleaseRoom = command('hotel.release-room', { version: 1, to: 'hotel', schema: of, reply: nothing })

export const ReserveCar = command('car.reserve-car', {
  ...{ version: 1, to: 'car', schema: stay, reply: nothing, refusals: ['no-car'] },
})
export const ConfirmCar = command('car.confirm-car', { version: 1, to: 'car', schema: of, reply: nothing })
export const ReleaseCar = command('car.release-car', { version: 1, to: 'car', schema: of, reply: nothing })

export const ChargeCard = command('payment.charge-card', {
  ...{ version: 1, to: 'payment', schema: trip, refusals: ['card-declined'] },
  reply: z.object({ charged: money }),
})
/** A completed trip that its guest gives up. */
export const cancelled = trip.extend({ cancelledOn: day })
/** Of a trip that was completed and is cancelled: as much as the terms of its deposit give back. */
export const RefundCard = command('payment.refund-card', {
  ...{ version: 1, to: 'payment', schema: cancelled },
  reply: z.object({ refunded: money, kept: money }),
})

export const commands = [
  ...[ReserveRoom, ConfirmRoom, ReleaseRoom],
  ...[ReserveCar, ConfirmCar, ReleaseCar],
  ...[ChargeCard, RefundCard],
] as const

/** The reply to a command as it comes back to booking, which is who asks: for contracts. */
export function toBooking<Input, Data>(reply: EventType<Input, Data>): EventType<Input, Data> {
  const topic = replyTopic('booking')
  const create = (data: Input, context?: MessageContext) => ({ ...reply(data, context), topic })
  return Object.assign(create, { ...reply, topic })
}

// What the services tell each other when nobody leads. Each says all that the next one needs.

const told = (type: string) => event(type, { version: 1, schema: trip, key })
const refused = <Reason extends string>(type: string, reason: Reason) =>
  event(type, { version: 1, schema: trip.extend({ reason: z.literal(reason) }), key })

/** Why nothing is held for a trip any more. */
export const whyReleased = z.enum(['no-car', 'card-declined', 'cancelled'])
export type WhyReleased = z.infer<typeof whyReleased>
const released = (type: string) => event(type, { version: 1, schema: trip.extend({ reason: whyReleased }), key })

export const TripRequested = told('trip.requested')
/** After it was completed. */
export const TripCancelled = event('trip.cancelled', { version: 1, schema: cancelled, key })

export const RoomReserved = told('room.reserved')
export const RoomRefused = refused('room.refused', 'no-room')
export const RoomConfirmed = told('room.confirmed')
export const RoomReleased = released('room.released')

export const CarReserved = told('car.reserved')
export const CarRefused = refused('car.refused', 'no-car')
export const CarConfirmed = told('car.confirmed')
export const CarReleased = released('car.released')

export const PaymentCharged = told('payment.charged')
export const PaymentRefused = refused('payment.refused', 'card-declined')
export const PaymentRefunded = event('payment.refunded', {
  ...{ version: 1, key },
  schema: trip.extend({ refunded: money, kept: money }),
})

export const events = [
  ...[TripRequested, TripCancelled],
  ...[RoomReserved, RoomRefused, RoomConfirmed, RoomReleased],
  ...[CarReserved, CarRefused, CarConfirmed, CarReleased],
  ...[PaymentCharged, PaymentRefused, PaymentRefunded],
] as const
