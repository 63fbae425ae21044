import { event } from 'estafet'
import * as z from 'zod'

/** A decimal with up to four places, as text: money is never a binary float. */
export const decimal = z.string().regex(/^-?\d{1,10}(\.\d{1,4})?$/, 'must be a decimal with at most 4 places')

export const maxQuantity = 1_000_000
export const maxLines = 5_000

export const line = z.object({
  stockCode: z.string().trim().min(1).max(40),
  description: z.string().max(200).nullable(),
  quantity: z.number().int().min(-maxQuantity).max(maxQuantity),
  unitPrice: decimal,
  invoicedAt: z.iso.datetime(),
})

/** What every document of the shop carries: its lines in their order, which is their identity. */
export const invoice = z.object({
  invoiceNo: z.string().regex(/^[A-Z]?\d{1,10}$/),
  customerId: z.string().min(1).max(20).nullable(),
  country: z.string().trim().min(1).max(60),
  lines: z.array(line).min(1).max(maxLines),
})
export type Invoice = z.infer<typeof invoice>

const invoiced = invoice.extend({ total: decimal })
export type Invoiced = z.infer<typeof invoiced>

const key = (data: { readonly invoiceNo: string }): string => data.invoiceNo
const define = (type: string) => event(type, { version: 1, schema: invoiced, key })

export const OrderPlaced = define('order.placed')
export const OrderReturned = define('order.returned')
export const StockWrittenOff = define('order.written-off')
export const OrderAdjusted = define('order.adjusted')

/** Everything that changes stock and money, in the topic `order`. */
export const orderEvents = [OrderPlaced, OrderReturned, StockWrittenOff, OrderAdjusted] as const

const movement = z.object({ invoiceNo: z.string(), lines: z.number().int(), units: z.number().int() })
export const StockMoved = event('stock.moved', { version: 1, schema: movement, key })

const entry = z.object({ invoiceNo: z.string(), country: z.string(), amount: decimal })
export const PaymentCaptured = event('payment.captured', { version: 1, schema: entry, key })
export const PaymentRefunded = event('payment.refunded', { version: 1, schema: entry, key })
