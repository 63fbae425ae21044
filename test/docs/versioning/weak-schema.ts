import { event, service } from 'estafet'
import { on, type Sql } from 'estafet/postgres'
import * as z from 'zod'

const key = ({ orderId }: { readonly orderId: string }): string => orderId

/** Yesterday's, which stored events and programs that are not released yet still have. */
export const OrderPlacedBefore = event('order.placed', {
  version: 1,
  schema: z.object({ orderId: z.string(), total: z.string() }),
  key,
})

/** Today's: the same version, and every new field may be missing. */
export const OrderPlaced = event('order.placed', {
  version: 1,
  schema: z.object({
    orderId: z.string(),
    total: z.string(),
    note: z.string().optional(),
    currency: z.string().default('EUR'),
  }),
  key,
})

export const billing = service<Sql>('weak', {
  handlers: [
    on(OrderPlaced, async ({ data }, { tx }) => {
      await tx.query('INSERT INTO invoice VALUES ($1, $2)', [data.orderId, `${data.total} ${data.currency}`])
    }),
  ],
})

export const shipping = service<Sql>('weak-before', {
  handlers: [
    on(OrderPlacedBefore, async ({ data }, { tx }) => {
      await tx.query('INSERT INTO invoice VALUES ($1, $2)', [data.orderId, Object.keys(data).join(' ')])
    }),
  ],
})
