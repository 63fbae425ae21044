import { contracts } from 'estafet/contracts'
import { postgres } from 'estafet/postgres'
import pg from 'pg'
import { bookingOn } from './booking/booking.ts'
import { car } from './car/car.ts'
import { hotel } from './hotel/hotel.ts'
import {
  CarConfirmed,
  CarRefused,
  CarReleased,
  CarReserved,
  ChargeCard,
  ConfirmCar,
  ConfirmRoom,
  PaymentCharged,
  PaymentRefunded,
  PaymentRefused,
  RefundCard,
  ReleaseCar,
  ReleaseRoom,
  ReserveCar,
  ReserveRoom,
  RoomConfirmed,
  RoomRefused,
  RoomReleased,
  RoomReserved,
  TripCancelled,
  TripRequested,
  toBooking,
} from './messages.ts'
import { payment } from './payment/payment.ts'

const tripId = 'line-2'
const stay = { tripId, hotel: 'City Hotel' as const, arrival: '2015-07-01', nights: 2 }
const trip = { ...stay, wantsCar: true, deposit: 'No Deposit' as const, pricePerNight: '75.50' }
const cancelled = { ...trip, cancelledOn: '2015-06-30' }
const refund = { refunded: '151.00', kept: '0.00' }
/** Of handlers, a contract asks what they take; they are never run here, and the pool connects to nothing. */
const pool = new pg.Pool()

/** A command on its way, one that takes it back, and an answer. */
const asked = <Data>(step: string, data: Data) => ({
  ...{ step: `${tripId}/${step}`, owner: tripId, replyTo: 'booking', data },
})
const done = <Result>(step: string, result: Result) => ({
  ...{ step: `${tripId}/${step}`, owner: tripId, answers: 'request' as const },
  answer: { outcome: 'done' as const, result },
})

/** `estafet contracts check --module apps/booking/contracts.ts --against apps/booking/contracts` */
export default contracts([
  {
    service: bookingOn(pool, postgres(pool)).booking,
    examples: [
      ...[TripRequested(trip), TripCancelled(cancelled)],
      ...[ReserveRoom.request(asked('room', stay)), ReserveRoom.cancel(asked('room', stay))],
      ...[
        ConfirmRoom.request(asked('confirm-room', { tripId })),
        ConfirmRoom.cancel(asked('confirm-room', { tripId })),
      ],
      ...[
        ReleaseRoom.request(asked('release-room', { tripId })),
        ReleaseRoom.cancel(asked('release-room', { tripId })),
      ],
      ...[ReserveCar.request(asked('car', stay)), ReserveCar.cancel(asked('car', stay))],
      ...[ConfirmCar.request(asked('confirm-car', { tripId })), ConfirmCar.cancel(asked('confirm-car', { tripId }))],
      ...[ReleaseCar.request(asked('release-car', { tripId })), ReleaseCar.cancel(asked('release-car', { tripId }))],
      ...[ChargeCard.request(asked('payment', trip)), ChargeCard.cancel(asked('payment', trip))],
      ...[RefundCard.request(asked('refund', cancelled)), RefundCard.cancel(asked('refund', cancelled))],
    ],
  },
  {
    service: hotel,
    examples: [
      toBooking(ReserveRoom.reply)(done('room', {})),
      toBooking(ConfirmRoom.reply)(done('confirm-room', {})),
      toBooking(ReleaseRoom.reply)(done('release-room', {})),
      ...[RoomReserved(trip), RoomConfirmed(trip)],
      ...[RoomRefused({ ...trip, reason: 'no-room' }), RoomReleased({ ...trip, reason: 'cancelled' })],
    ],
  },
  {
    service: car,
    examples: [
      toBooking(ReserveCar.reply)(done('car', {})),
      toBooking(ConfirmCar.reply)(done('confirm-car', {})),
      toBooking(ReleaseCar.reply)(done('release-car', {})),
      ...[CarReserved(trip), CarConfirmed(trip)],
      ...[CarRefused({ ...trip, reason: 'no-car' }), CarReleased({ ...trip, reason: 'card-declined' })],
    ],
  },
  {
    service: payment,
    examples: [
      toBooking(ChargeCard.reply)(done('payment', { charged: '151.00' })),
      toBooking(RefundCard.reply)(done('refund', refund)),
      ...[PaymentCharged(trip), PaymentRefused({ ...trip, reason: 'card-declined' })],
      PaymentRefunded({ ...trip, ...refund }),
    ],
  },
])
