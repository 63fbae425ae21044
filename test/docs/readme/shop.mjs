import { event } from 'estafet'
import { z } from 'zod'

export const OrderPlaced = event('order.placed', {
  version: 1,
  schema: z.object({ orderId: z.string(), total: z.string() }),
  key: (order) => order.orderId,
})
