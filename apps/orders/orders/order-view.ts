import * as z from 'zod'
import type { OrderState } from './order.ts'

/** An order as the HTTP interface shows it: amounts are decimals as text. */
export const orderView = z.object({
  id: z.string(),
  version: z.number(),
  status: z.enum(['CREATED', 'CONFIRMED', 'WITHDRAWN']),
  customer_id: z.string().nullable(),
  country: z.string().nullable(),
  items: z.array(z.object({ product_id: z.string(), quantity: z.number(), price: z.string() })),
  total_amount: z.string(),
})
export type OrderView = z.infer<typeof orderView>

/** Null when there is none. */
export function viewOf(id: string, version: number, state: OrderState): OrderView | null {
  const { status, customer_id, country, items, total_amount } = state
  if (status === 'NONE') return null
  return { id, version, status, customer_id, country, items: [...items], total_amount }
}
