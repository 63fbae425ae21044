import { command, type Reservations, refuse, type SemanticLocks } from 'estafet'
import { answer, type Sql } from 'estafet/postgres'
import * as z from 'zod'

export const HoldRooms = command('hotel.hold-rooms', {
  ...{ version: 1, to: 'hotel', refusals: ['no-room', 'busy'] },
  schema: z.object({ booking: z.string(), nights: z.array(z.iso.date()).min(1) }),
  reply: z.object({ nights: z.int() }),
})
export const ConfirmRooms = command('hotel.confirm-rooms', {
  ...{ version: 1, to: 'hotel', refusals: ['not-held'] },
  schema: z.object({ booking: z.string() }),
  reply: z.object({ nights: z.int() }),
})

export const hotel = (reservations: Reservations<Sql>, locks: SemanticLocks<Sql>) => [
  ...answer(
    HoldRooms,
    async ({ data, owner }, { tx }) => {
      const lock = await locks.take(tx, `booking ${data.booking}`, owner)
      if (lock.kind === 'held') return refuse('busy')
      const { rows } = await tx.query<{ rooms: number }>('SELECT rooms FROM house')
      const wanted = data.nights.map((night) => ({ resource: night, quantity: 1, capacity: rows[0]?.rooms ?? 0 }))
      const { kind } = await reservations.reserve(tx, owner, wanted)
      if (kind !== 'refused') return { nights: wanted.length }
      await locks.release(tx, owner)
      return refuse('no-room')
    },
    {
      undo: async ({ owner }, { tx }) => {
        await reservations.release(tx, owner)
        await locks.release(tx, owner)
      },
    },
  ),
  ...answer(ConfirmRooms, async ({ owner }, { tx }) => {
    const nights = await reservations.confirm(tx, owner)
    await locks.release(tx, owner)
    return nights.length > 0 ? { nights: nights.length } : refuse('not-held')
  }),
]
