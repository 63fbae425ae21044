import { streamEvent } from 'estafet'
import * as z from 'zod'
import { decimal } from './money.ts'

const item = z.object({ product_id: z.string(), quantity: z.int().positive(), price: decimal })

export const OrderCreated = streamEvent('OrderCreated', {
  version: 1,
  schema: z.object({ customer_id: z.string().nullable(), country: z.string().nullable() }),
})

export const ItemAdded = streamEvent('ItemAdded', { version: 1, schema: item })

export const OrderConfirmed = streamEvent('OrderConfirmed', { version: 1, schema: z.object({ total_amount: decimal }) })

/**
 * How an order stands in the system that it is moved from; each one says all of it and replaces what was said before. That
 * system has no history to tell, so none is made up.
 */
export const OrderTakenOver = streamEvent('OrderTakenOver', {
  version: 1,
  schema: z.object({
    customer_id: z.string().nullable(),
    status: z.enum(['CREATED', 'CONFIRMED']),
    total_amount: decimal,
    created_at: z.iso.datetime({ precision: 6 }),
    items: z.array(item.extend({ item_id: z.string() })),
  }),
})

/** That system has it no more. */
export const OrderWithdrawn = streamEvent('OrderWithdrawn', { version: 1, schema: z.object({}) })
