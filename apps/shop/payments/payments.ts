import { Decimal } from 'decimal.js'
import { service } from 'estafet'
import { onMany, type Sql } from 'estafet/postgres'
import { orderEvents, PaymentCaptured, PaymentRefunded } from '../messages.ts'
import { journal } from '../system/journal.ts'

/** Charges what was sold and refunds what came back. */
export const payments = service<Sql>('payments', {
  publishes: [PaymentCaptured, PaymentRefunded],
  handlers: orderEvents.map((type) =>
    onMany(type, async (events, { tx, publish }) => {
      await journal(tx, 'enter', events)
      const { rows } = await tx.query<{ invoice_no: string }>(
        `INSERT INTO ledger_entry (invoice_no, kind, country, customer_id, lines, amount)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::numeric[])
        ON CONFLICT (invoice_no) DO NOTHING RETURNING invoice_no`,
        [
          events.map(({ data }) => data.invoiceNo),
          events.map(({ data }) => entryKind(data.total)),
          events.map(({ data }) => data.country),
          events.map(({ data }) => data.customerId),
          events.map(({ data }) => data.lines.length),
          events.map(({ data }) => data.total),
        ],
      )
      const entered = new Set(rows.map((row) => row.invoice_no))
      for (const { data } of events) {
        if (!entered.has(data.invoiceNo)) continue
        const told = entryKind(data.total) === 'refund' ? PaymentRefunded : PaymentCaptured
        publish(told({ invoiceNo: data.invoiceNo, country: data.country, amount: data.total }))
      }
    }),
  ),
})

/** What a total asks for; a document of write-offs or gifts asks for nothing. */
export function entryKind(total: string): 'charge' | 'refund' | 'nothing to pay' {
  const amount = new Decimal(total)
  if (amount.isZero()) return 'nothing to pay'
  return amount.isNegative() ? 'refund' : 'charge'
}
