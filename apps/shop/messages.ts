import { event } from 'estafet'
import * as z from 'zod'

/** A decimal with up to four places, as text: money is never a binary float. */
export const decimal = z.string().regex(/^-?\d{1,10}(\.\d{1,4})?$/, 'must be a decimal with at most 4 places')

/** Text that a database and JSON can both hold. */
export const text = z
  .string()
  .trim()
  .refine((value) => value.isWellFormed() && !value.includes('\u0000'), 'must be well-formed text without NUL')

export const stockCode = text.min(1).max(40)
export const description = text.max(200)
export const customerId = text.min(1).max(20)
export const country = text.min(1).max(60)
export const invoiceNo = z.string().regex(/^[A-Z]?\d{1,10}$/, 'must be up to 10 digits, after a letter or none')
export const quantity = z.number().int().min(-1_000_000).max(1_000_000)
export const maxLines = 5_000

export const line = z.object({
  stockCode,
  description: description.nullable(),
  quantity,
  unitPrice: decimal,
  invoicedAt: z.iso.datetime(),
})

/** What every document of the shop carries: its lines in their order, which is their identity. */
export const invoice = z.object({
  invoiceNo,
  customerId: customerId.nullable(),
  country,
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

const movement = z.object({ invoiceNo, lines: z.number().int(), units: z.number().int() })
export const StockMoved = event('stock.moved', { version: 1, schema: movement, key })

const entry = z.object({ invoiceNo, country, amount: decimal })
export const PaymentCaptured = event('payment.captured', { version: 1, schema: entry, key })
export const PaymentRefunded = event('payment.refunded', { version: 1, schema: entry, key })

/** What follows from them. */
export const followUps = [StockMoved, PaymentCaptured, PaymentRefunded] as const
