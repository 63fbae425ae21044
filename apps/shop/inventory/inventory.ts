import type { ReceivedMessage } from 'estafet'
import { service } from 'estafet'
import { onMany, type Sql } from 'estafet/postgres'
import { type Invoiced, orderEvents, StockMoved } from '../messages.ts'
import { journal } from '../system/journal.ts'

/** Moves stock for every document: sales take it out, returns bring it back. */
export const inventory = service<Sql>('inventory', {
  publishes: [StockMoved],
  // One lane: documents share stock levels, and lanes side by side would lock them in different orders.
  lanes: 1,
  handlers: orderEvents.map((type) =>
    onMany(type, async (events, { tx, publish }) => {
      await journal(tx, 'move-stock', events)
      await move(tx, events)
      publish(...events.map(({ data }) => StockMoved(movementOf(data))))
    }),
  ),
})

async function move(tx: Sql, events: readonly ReceivedMessage<Invoiced>[]): Promise<void> {
  const lines = events.flatMap(({ data }) =>
    data.lines.map((line, place) => ({ ...line, place, invoiceNo: data.invoiceNo, country: data.country })),
  )
  await tx.query(
    `WITH moved AS (
      INSERT INTO movement (invoice_no, place, country, stock_code, units, unit_price)
      SELECT i, p, c, upper(s), -q, u
      FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::int[], $6::numeric[]) AS l (i, p, c, s, q, u)
      RETURNING stock_code, units
    )
    INSERT INTO stock_level AS l (stock_code, units)
    SELECT stock_code, sum(units) FROM moved GROUP BY stock_code ORDER BY stock_code
    ON CONFLICT (stock_code) DO UPDATE SET units = l.units + excluded.units`,
    [
      lines.map(({ invoiceNo }) => invoiceNo),
      lines.map(({ place }) => place),
      lines.map(({ country }) => country),
      lines.map(({ stockCode }) => stockCode),
      lines.map(({ quantity }) => quantity),
      lines.map(({ unitPrice }) => unitPrice),
    ],
  )
}

function movementOf(data: Invoiced): { invoiceNo: string; lines: number; units: number } {
  const units = data.lines.reduce((sum, { quantity }) => sum - quantity, 0)
  return { invoiceNo: data.invoiceNo, lines: data.lines.length, units }
}
