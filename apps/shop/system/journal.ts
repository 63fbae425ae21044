import type { Sql } from 'estafet/postgres'

/** Records, in the transaction of the effect, that a handler took its effect for these events. */
export async function journal(tx: Sql, handler: string, events: readonly { readonly id: string }[]): Promise<void> {
  await tx.query('INSERT INTO effect (handler, event_id) SELECT $1, unnest($2::text[])', [
    handler,
    events.map(({ id }) => id),
  ])
}
