import type { PostgresStore } from 'estafet/postgres'

export interface FinishedGame {
  readonly game_id: string
  readonly chat_id: string
}

export interface Finished {
  /** `known`: this key was used before, for the same game. `conflict`: for another one; nothing is written. */
  readonly state: 'new' | 'known' | 'conflict'
  readonly eventId: string
}

/** Finishes a game: one row in the outbox, which is all it takes to publish it. */
export function finishGame(
  store: PostgresStore,
  game: FinishedGame,
  { idempotencyKey, correlationId }: { readonly idempotencyKey: string | null; readonly correlationId: string },
): Promise<Finished> {
  return store.transaction(async (tx) => {
    await tx.query(`SELECT set_config('games.correlation_id', $1, true)`, [correlationId])
    const inserted = await tx.query<{ id: string }>(
      `INSERT INTO outbox_events (event_type, aggregate_type, aggregate_id, payload, idempotency_key)
      VALUES ('game.finished', 'game', $1, $2, $3) ON CONFLICT (idempotency_key) DO NOTHING RETURNING id`,
      [game.game_id, JSON.stringify(game), idempotencyKey],
    )
    const [row] = inserted.rows
    if (row !== undefined) return { state: 'new', eventId: row.id }
    const known = await tx.query<{ id: string; is_same: boolean }>(
      'SELECT id, payload = $2::jsonb AS is_same FROM outbox_events WHERE idempotency_key = $1',
      [idempotencyKey, JSON.stringify(game)],
    )
    return { state: known.rows[0]?.is_same === true ? 'known' : 'conflict', eventId: known.rows[0]?.id ?? '' }
  })
}
