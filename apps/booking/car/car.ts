import { refuse, service } from 'estafet'
import { answer, type Sql } from 'estafet/postgres'
import { carReacts } from '../choreography/car.ts'
import {
  CarConfirmed,
  CarRefused,
  CarReleased,
  CarReserved,
  ConfirmCar,
  ReleaseCar,
  ReserveCar,
  toBooking,
} from '../messages.ts'
import { cars, rentalOf } from './cars.ts'

/** Does what it is asked for, and reacts to what others do: a trip comes in one of the two ways. */
export const car = service<Sql>('car', {
  publishes: [
    ...[toBooking(ReserveCar.reply), toBooking(ConfirmCar.reply), toBooking(ReleaseCar.reply)],
    ...[CarReserved, CarRefused, CarConfirmed, CarReleased],
  ],
  handlers: [
    ...answer(ReserveCar, async ({ data }, { tx }) => ((await cars.hold(tx, rentalOf(data))) ? {} : refuse('no-car')), {
      undo: ({ data }, { tx }) => cars.release(tx, data.tripId),
    }),
    ...answer(ConfirmCar, ({ data }, { tx }) => cars.confirm(tx, data.tripId).then(() => ({})), {
      undo: ({ data }, { tx }) => cars.unconfirm(tx, data.tripId),
    }),
    ...answer(ReleaseCar, ({ data }, { tx }) => cars.release(tx, data.tripId).then(() => ({}))),
    ...carReacts,
  ],
})
