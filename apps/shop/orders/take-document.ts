import { createHash } from 'node:crypto'
import type { MessageContext } from 'estafet'
import type { PostgresStore, Sql } from 'estafet/postgres'
import type { Invoice } from '../messages.ts'
import { type DocumentKind, eventOf, total } from './document.ts'

export type Taken = 'taken' | 'known' | 'conflict'

/**
 * Stores a document and publishes it, in one transaction. The same document again changes nothing (`known`); another one
 * under the same number is refused (`conflict`).
 */
export function takeDocument(
  store: PostgresStore,
  kind: DocumentKind,
  invoice: Invoice,
  context: MessageContext,
): Promise<Taken> {
  const sum = total(invoice)
  const hash = createHash('sha256')
    .update(JSON.stringify([kind, invoice]))
    .digest('hex')
  return store.transaction(async (tx, publish) => {
    const inserted = await tx.query(
      `INSERT INTO document (invoice_no, kind, customer_id, country, total, body_hash)
      VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (invoice_no) DO NOTHING`,
      [invoice.invoiceNo, kind, invoice.customerId, invoice.country, sum, hash],
    )
    if (inserted.rowCount === 0) return (await hashOf(tx, invoice.invoiceNo)) === hash ? 'known' : 'conflict'
    await insertLines(tx, invoice)
    publish(eventOf[kind]({ ...invoice, total: sum }, context))
    return 'taken'
  })
}

async function hashOf(tx: Sql, invoiceNo: string): Promise<string | undefined> {
  const { rows } = await tx.query<{ body_hash: string }>('SELECT body_hash FROM document WHERE invoice_no = $1', [
    invoiceNo,
  ])
  return rows[0]?.body_hash
}

async function insertLines(tx: Sql, { invoiceNo, lines }: Invoice): Promise<void> {
  await tx.query(
    `INSERT INTO document_line (invoice_no, place, stock_code, description, quantity, unit_price, invoiced_at)
    SELECT $1, l.* FROM unnest($2::int[], $3::text[], $4::text[], $5::int[], $6::numeric[], $7::timestamptz[]) AS l`,
    [
      invoiceNo,
      lines.map((_, place) => place),
      lines.map(({ stockCode }) => stockCode),
      lines.map(({ description }) => description),
      lines.map(({ quantity }) => quantity),
      lines.map(({ unitPrice }) => unitPrice),
      lines.map(({ invoicedAt }) => invoicedAt),
    ],
  )
}
