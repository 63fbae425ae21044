import { type Invoice, maxLines } from '../messages.ts'
import type { BadLine } from './bad-line.ts'
import { type FileLine, fileLines } from './lines.ts'

export interface ReadInvoices {
  /** In the order of their first lines. */
  readonly invoices: readonly Invoice[]
  readonly badLines: readonly BadLine[]
}

/**
 * Gathers a file's lines into invoices. An invoice's lines keep their order, equal ones stay separate, and they need not
 * stand together; a line whose customer or country differs from its invoice's first line is a bad line.
 */
export async function readInvoices(file: string, limit = Number.POSITIVE_INFINITY): Promise<ReadInvoices> {
  const invoices = new Map<string, { head: FileLine; lines: Invoice['lines'] }>()
  const badLines: BadLine[] = []
  for await (const read of fileLines(file)) {
    if ('reason' in read) {
      badLines.push(read)
      continue
    }
    const known = invoices.get(read.invoiceNo)
    if (known === undefined && invoices.size >= limit) continue
    const invoice = known ?? { head: read, lines: [] }
    if (read.country !== invoice.head.country || read.customerId !== invoice.head.customerId) {
      badLines.push({ line: read.line, reason: 'Country or CustomerID differs from the first line of its invoice' })
      continue
    }
    if (invoice.lines.length === maxLines) {
      badLines.push({ line: read.line, reason: `its invoice has more than ${maxLines} lines` })
      continue
    }
    const { stockCode, description, quantity, unitPrice, invoicedAt } = read
    invoice.lines.push({ stockCode, description, quantity, unitPrice, invoicedAt })
    invoices.set(read.invoiceNo, invoice)
  }
  return {
    badLines,
    invoices: [...invoices.values()].map(({ head, lines }) => ({
      ...{ invoiceNo: head.invoiceNo, customerId: head.customerId, country: head.country },
      lines,
    })),
  }
}
