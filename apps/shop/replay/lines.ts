import { parse } from 'csv-parse/sync'
import * as z from 'zod'
import { textLines, UnusableFile } from '../../../engines/application/text-lines.ts'
import { country, customerId, decimal, description, invoiceNo, quantity, stockCode } from '../messages.ts'
import type { BadLine } from './bad-line.ts'

/** One good line of the shop's file. */
export interface FileLine {
  /** Counted from 1, the header being line 1. */
  readonly line: number
  readonly invoiceNo: string
  readonly stockCode: string
  readonly description: string | null
  readonly quantity: number
  readonly unitPrice: string
  readonly invoicedAt: string
  readonly customerId: string | null
  readonly country: string
}

export const columns = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
]

// The bounds are those of the HTTP interface: a line that passes here is not refused there with all of its invoice.
const row = z.object({
  InvoiceNo: z.string().trim().pipe(invoiceNo),
  StockCode: stockCode,
  // Descriptions have outer spaces or are empty; both are the shop's typing and not data.
  Description: description,
  Quantity: z
    .string()
    .regex(/^-?\d{1,10}$/, 'is no whole number')
    .transform(Number)
    .pipe(quantity.refine((units) => units !== 0, 'is zero')),
  InvoiceDate: z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, 'is no date'),
  UnitPrice: decimal,
  // About a third of the lines name no customer.
  CustomerID: z.union([z.string().regex(/^\s*$/), customerId], 'is no customer number'),
  Country: country,
})

/**
 * Reads a file of the shop's columns, `.csv` or `.csv.gz`, line by line: good ones as data, bad ones with their number and
 * reason. Throws UnusableFile when the file cannot be read or has other columns.
 *
 * Each line is parsed by itself, so that a quote left open spoils its own line and not the rest of the file; a field of
 * several lines, which the shop's files do not have, is thereby a bad line.
 */
export async function* fileLines(file: string): AsyncGenerator<FileLine | BadLine> {
  let number = 0
  for await (const text of textLines(file)) {
    number += 1
    if (number === 1) refuseColumns(file, fieldsOf(text) ?? [])
    else if (text.trim() !== '') yield toLine(fieldsOf(text), number)
  }
  if (number === 0) throw new UnusableFile(`${file} is empty: its first line must be ${columns.join(',')}`)
}

function fieldsOf(line: string): readonly string[] | null {
  const text = line.replace(/^\uFEFF/, '')
  // Without a quote there is nothing to parse, and a parser for each of 140,000 lines takes five seconds.
  if (!text.includes('"')) return text.split(',')
  try {
    const [record]: string[][] = parse(text, { relax_column_count: true })
    return record ?? []
  } catch {
    return null
  }
}

function refuseColumns(file: string, header: readonly string[]): void {
  if (columns.every((name, at) => header[at]?.trim() === name)) return
  throw new UnusableFile(`${file} has other columns: its first line must be ${columns.join(',')}`)
}

function toLine(record: readonly string[] | null, line: number): FileLine | BadLine {
  if (record === null) return { line, reason: 'has a quote out of place' }
  if (record.length !== columns.length) return { line, reason: `has ${record.length} fields and not ${columns.length}` }
  const parsed = row.safeParse(Object.fromEntries(columns.map((name, at) => [name, record[at]])))
  if (!parsed.success) {
    return { line, reason: parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join(', ') }
  }
  const invoicedAt = utc(parsed.data.InvoiceDate)
  if (invoicedAt === null) return { line, reason: 'InvoiceDate is no date' }
  return {
    line,
    invoiceNo: parsed.data.InvoiceNo,
    stockCode: parsed.data.StockCode,
    description: parsed.data.Description === '' ? null : parsed.data.Description,
    quantity: parsed.data.Quantity,
    unitPrice: parsed.data.UnitPrice,
    invoicedAt,
    customerId: parsed.data.CustomerID.trim() || null,
    country: parsed.data.Country,
  }
}

/** The file's times name no zone and are taken as UTC. Null for a day that is not in the calendar. */
function utc(time: string): string | null {
  const said = time.replace(' ', 'T')
  const date = new Date(`${said}Z`)
  if (Number.isNaN(date.getTime())) return null
  const iso = date.toISOString()
  // JavaScript takes 30 February for 2 March.
  return iso.startsWith(said) ? iso : null
}
