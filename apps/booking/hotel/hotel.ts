import { refuse, service } from 'estafet'
import { answer, type Sql } from 'estafet/postgres'
import { hotelReacts } from '../choreography/hotel.ts'
import {
  ConfirmRoom,
  ReleaseRoom,
  ReserveRoom,
  RoomConfirmed,
  RoomRefused,
  RoomReleased,
  RoomReserved,
  toBooking,
} from '../messages.ts'
import { rooms, stayOf } from './rooms.ts'

/** Does what it is asked for, and reacts to what others do: a trip comes in one of the two ways. */
export const hotel = service<Sql>('hotel', {
  publishes: [
    ...[toBooking(ReserveRoom.reply), toBooking(ConfirmRoom.reply), toBooking(ReleaseRoom.reply)],
    ...[RoomReserved, RoomRefused, RoomConfirmed, RoomReleased],
  ],
  handlers: [
    ...answer(
      ReserveRoom,
      async ({ data }, { tx }) => ((await rooms.hold(tx, stayOf(data))) ? {} : refuse('no-room')),
      { undo: ({ data }, { tx }) => rooms.release(tx, data.tripId) },
    ),
    ...answer(ConfirmRoom, ({ data }, { tx }) => rooms.confirm(tx, data.tripId).then(() => ({})), {
      undo: ({ data }, { tx }) => rooms.unconfirm(tx, data.tripId),
    }),
    ...answer(ReleaseRoom, ({ data }, { tx }) => rooms.release(tx, data.tripId).then(() => ({}))),
    ...hotelReacts,
  ],
})
