import { event, service } from 'estafet'
import { on, type Sql } from 'estafet/postgres'
import * as z from 'zod'

const key = ({ orderId }: { readonly orderId: string }): string => orderId

export const OrderPlacedBefore = event('order.placed', {
  version: 1,
  schema: z.object({ orderId: z.string(), total: z.string() }),
  key,
})

/** Reads nothing older than itself: nobody can tell who sold what was placed before. */
export const OrderPlaced = event('order.placed', {
  version: 2,
  since: 2,
  schema: z.object({ orderId: z.string(), total: z.string(), seller: z.string() }),
  key,
})

export const billing = service<Sql>('several', {
  handlers: [
    on(
      OrderPlacedBefore,
      async ({ data }, { tx }) => {
        await tx.query('INSERT INTO invoice VALUES ($1, $2)', [data.orderId, `${data.total} for the house`])
      },
      { name: 'before sellers' },
    ),
    on(
      OrderPlaced,
      async ({ data }, { tx }) => {
        await tx.query('INSERT INTO invoice VALUES ($1, $2)', [data.orderId, `${data.total} for ${data.seller}`])
      },
      { name: 'with sellers' },
    ),
  ],
})
