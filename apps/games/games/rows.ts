import type { Sql } from 'estafet/postgres'

/** A row of `outbox_events`, as the page shows it. */
export interface OutboxRow {
  readonly id: string
  readonly aggregate_id: string
  readonly payload: unknown
  readonly created_at: Date
  readonly publish_attempts: number
  readonly last_error: string | null
  readonly published_at: Date | null
  readonly status: 'new' | 'sent'
}

/** The newest rows of the outbox, newest first. */
export async function outboxRows(tx: Sql, limit: number): Promise<readonly OutboxRow[]> {
  const { rows } = await tx.query<OutboxRow>(
    `SELECT id, aggregate_id, payload, created_at, publish_attempts, last_error, published_at, status
    FROM outbox_events ORDER BY created_at DESC LIMIT $1`,
    [limit],
  )
  return rows
}
