import { event, service } from 'estafet'
import { contracts } from 'estafet/contracts'
import { on, type Sql } from 'estafet/postgres'
import * as z from 'zod'

const OrderPlaced = event('order.placed', {
  version: 1,
  schema: z.object({ orderId: z.string(), status: z.enum(['new', 'paid']), total: z.string() }),
  key: ({ orderId }) => orderId,
})

const orders = service<Sql>('orders', { publishes: [OrderPlaced] })
const billing = service<Sql>('billing', {
  handlers: [
    on(OrderPlaced, async ({ data }, { tx }) => {
      await tx.query('INSERT INTO invoice VALUES ($1, $2)', [data.orderId, data.total])
    }),
  ],
})

export default contracts([
  { service: orders, examples: [OrderPlaced({ orderId: 'A-1', status: 'new', total: '5.00' })] },
  billing,
])
