import { event, service } from 'estafet'
import { on, type Sql } from 'estafet/postgres'
import * as z from 'zod'

const key = ({ orderId }: { readonly orderId: string }): string => orderId

export const OrderPlacedBefore = event('order.placed', {
  version: 1,
  schema: z.object({ orderId: z.string(), total: z.string() }),
  key,
})

export const OrderPlaced = event('order.placed', {
  version: 2,
  schema: z.object({ orderId: z.string(), amount: z.object({ value: z.string(), currency: z.string() }) }),
  key,
  upcast: {
    1: ({ orderId, total }: { orderId: string; total: string }) => ({
      orderId,
      amount: { value: total, currency: 'EUR' },
    }),
  },
})

export const billing = service<Sql>('upcasting', {
  handlers: [
    on(OrderPlaced, async ({ data: { orderId, amount } }, { tx }) => {
      await tx.query('INSERT INTO invoice VALUES ($1, $2)', [orderId, `${amount.value} ${amount.currency}`])
    }),
  ],
})
