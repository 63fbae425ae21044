import { service } from 'estafet'
import { onMany, type Sql } from 'estafet/postgres'
import { orderEvents, PaymentCaptured, PaymentRefunded, StockMoved } from '../messages.ts'
import { journal } from '../system/journal.ts'

/** Takes documents over HTTP, publishes them, and follows what stock and payments make of them. */
export const orders = service<Sql>('orders', {
  publishes: [...orderEvents],
  handlers: [
    onMany(StockMoved, async (events, { tx }) => {
      await journal(tx, 'note-stock', events)
      await tx.query(`UPDATE document SET stock_moved_at = clock_timestamp() WHERE invoice_no = ANY ($1::text[])`, [
        events.map(({ data }) => data.invoiceNo),
      ])
    }),
    ...[PaymentCaptured, PaymentRefunded].map((type) =>
      onMany(type, async (events, { tx }) => {
        await journal(tx, 'note-payment', events)
        await tx.query(`UPDATE document SET paid_at = clock_timestamp() WHERE invoice_no = ANY ($1::text[])`, [
          events.map(({ data }) => data.invoiceNo),
        ])
      }),
    ),
  ],
})
