import { Decimal } from 'decimal.js'
import { type Invoice, OrderAdjusted, OrderPlaced, OrderReturned, StockWrittenOff } from '../messages.ts'

export const documentKinds = ['order', 'return', 'write-off', 'adjustment'] as const
export type DocumentKind = (typeof documentKinds)[number]

export const eventOf = {
  order: OrderPlaced,
  return: OrderReturned,
  'write-off': StockWrittenOff,
  adjustment: OrderAdjusted,
} as const satisfies Record<DocumentKind, typeof OrderPlaced>

/** What a message may carry as a total: ten digits before the point. */
const maxTotal = 1e10

/** What is wrong with an invoice as a document of a kind: the field, and why. Empty when nothing is. */
export function faults(kind: DocumentKind, invoice: Invoice): readonly { field: string; reason: string }[] {
  const found: { field: string; reason: string }[] = []
  const prefix = /^[A-Z]/.exec(invoice.invoiceNo)?.[0] ?? ''
  const wanted = { order: '', return: 'C', 'write-off': '', adjustment: null }[kind]
  if (wanted !== null && prefix !== wanted) {
    found.push({
      field: 'invoiceNo',
      reason: wanted === '' ? `has no letter in a ${kind}` : `begins with ${wanted} in a ${kind}`,
    })
  }
  invoice.lines.forEach((line, at) => {
    const reason = lineFault(kind, line)
    if (reason !== null) found.push({ field: `lines.${at}.${reason.field}`, reason: reason.reason })
  })
  if (new Decimal(total(invoice)).abs().gte(maxTotal)) found.push({ field: 'lines', reason: 'add up to too much' })
  return found
}

/** The exact sum of quantity times price, with four places. */
export function total(invoice: Invoice): string {
  const sum = invoice.lines.reduce(
    (so, line) => so.plus(new Decimal(line.unitPrice).times(line.quantity)),
    new Decimal(0),
  )
  return sum.toFixed(4)
}

/**
 * The kind of document that an invoice of the shop's file is: `C` numbers are returns; negative quantities at price 0 are
 * stock write-offs; what fits no rule (`A` numbers, mixed signs, negative prices) is an adjustment.
 */
export function kindOf(invoice: Invoice): DocumentKind {
  return (['return', 'write-off', 'order'] as const).find((kind) => faults(kind, invoice).length === 0) ?? 'adjustment'
}

function lineFault(kind: DocumentKind, line: Invoice['lines'][number]): { field: string; reason: string } | null {
  const price = new Decimal(line.unitPrice)
  if (kind === 'adjustment') return null
  if (price.isNegative() && !price.isZero()) return { field: 'unitPrice', reason: 'is not negative' }
  if (kind === 'order') return line.quantity > 0 ? null : { field: 'quantity', reason: 'is positive in an order' }
  if (line.quantity >= 0) return { field: 'quantity', reason: `is negative in a ${kind}` }
  if (kind === 'write-off' && !price.isZero()) return { field: 'unitPrice', reason: 'is 0 in a write-off' }
  return null
}
