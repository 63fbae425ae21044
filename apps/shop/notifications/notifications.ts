import { service } from 'estafet'
import { onMany, type Sql } from 'estafet/postgres'
import { orderEvents, PaymentCaptured, PaymentRefunded } from '../messages.ts'
import { journal } from '../system/journal.ts'

interface Notification {
  readonly id: string
  readonly about: string
  readonly invoiceNo: string
  readonly country: string
  readonly customerId: string | null
  readonly lines: number
  readonly amount: string
}

/** Writes down what customers are to be told, one notification for each event. */
export const notifications = service<Sql>('notifications', {
  handlers: [
    ...orderEvents.map((type) =>
      onMany(type, async (events, { tx }) => {
        const about = events.map(({ id, type: kind, data }) => ({
          ...{ id, about: kind, amount: data.total, lines: data.lines.length },
          ...{ invoiceNo: data.invoiceNo, country: data.country, customerId: data.customerId },
        }))
        await notify(tx, about)
      }),
    ),
    ...[PaymentCaptured, PaymentRefunded].map((type) =>
      onMany(type, async (events, { tx }) => {
        const about = events.map(({ id, type: kind, data }) => ({
          ...data,
          id,
          about: kind,
          customerId: null,
          lines: 0,
        }))
        await notify(tx, about)
      }),
    ),
  ],
})

async function notify(tx: Sql, all: readonly Notification[]): Promise<void> {
  await journal(tx, 'notify', all)
  await tx.query(
    `INSERT INTO notification (event_id, about, invoice_no, country, customer_id, lines, amount)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::numeric[])`,
    [
      all.map(({ id }) => id),
      all.map(({ about }) => about),
      all.map(({ invoiceNo }) => invoiceNo),
      all.map(({ country }) => country),
      all.map(({ customerId }) => customerId),
      all.map(({ lines }) => lines),
      all.map(({ amount }) => amount),
    ],
  )
}
