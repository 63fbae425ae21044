import { event } from 'estafet'
import * as z from 'zod'
import { decimal } from '../orders/money.ts'

// What the monolith publishes while it is moved: rows as they are now, each by itself, as often as they change. `gone` is for
// what it has no more, and for what cannot be moved as it is.

const key = ({ id }: { readonly id: string }): string => id
const gone = z.object({ id: z.string() })

export const UserSaved = event('monolith-user.saved', {
  version: 1,
  schema: z.object({
    id: z.string(),
    email: z.string(),
    password_hash: z.string().nullable(),
    name: z.string().nullable(),
    address: z.string().nullable(),
  }),
  key,
  mask: ['email', 'password_hash', 'name', 'address'],
})
export const UserGone = event('monolith-user.gone', { version: 1, schema: gone, key })

export const ProductSaved = event('monolith-product.saved', {
  version: 1,
  schema: z.object({
    id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    price: decimal.nullable(),
  }),
  key,
})
export const ProductGone = event('monolith-product.gone', { version: 1, schema: gone, key })

export const StockCounted = event('monolith-stock.counted', {
  version: 1,
  schema: z.object({ id: z.string(), quantity: z.int().min(0) }),
  key,
})
export const StockGone = event('monolith-stock.gone', { version: 1, schema: gone, key })

export const OrderSaved = event('monolith-order.saved', {
  version: 1,
  schema: z.object({
    id: z.string(),
    customer_id: z.string().nullable(),
    status: z.enum(['CREATED', 'CONFIRMED']),
    total_amount: decimal,
    created_at: z.iso.datetime({ precision: 6 }),
    items: z.array(
      z.object({
        ...{ item_id: z.string(), product_id: z.string(), quantity: z.int().positive(), price: decimal },
      }),
    ),
  }),
  key,
})
export const OrderGone = event('monolith-order.gone', { version: 1, schema: gone, key })
