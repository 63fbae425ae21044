import { command, compensate } from 'estafet'
import { type Sql, saga } from 'estafet/postgres'
import * as z from 'zod'

export const ReserveRoom = command('hotel.reserve-room', {
  ...{ version: 1, to: 'hotel', refusals: ['no-room'] },
  schema: z.object({ guest: z.string() }),
  reply: z.object({ room: z.int() }),
})
export const ChargeCard = command('payment.charge-card', {
  ...{ version: 1, to: 'payment', refusals: ['declined'] },
  schema: z.object({ guest: z.string(), price: z.string() }),
  reply: z.object({}),
})

export const Trip = saga('trip', {
  version: 1,
  input: z.object({ guest: z.string(), price: z.string() }),
  uses: [ReserveRoom, ChargeCard],
  async run(steps, { guest, price }) {
    await steps.run('create', ({ tx }) => write(tx, steps.id, 'STARTED'), {
      undo: (_, { tx }) => write(tx, steps.id, 'COMPENSATED'),
    })
    const room = await steps.request('room', ReserveRoom, { guest }, { timeoutMs: 60_000 })
    if (room.outcome !== 'done') return compensate('no-room')
    const paid = await steps.request('charge', ChargeCard, { guest, price })
    if (paid.outcome !== 'done') return compensate('not-paid')
    await steps.run('complete', ({ tx }) => write(tx, steps.id, 'COMPLETED'))
    return { room: room.result.room }
  },
})

const write = async (tx: Sql, id: string, state: string): Promise<void> =>
  void (await tx.query('UPDATE trip SET state = $2 WHERE id = $1', [id, state]))
