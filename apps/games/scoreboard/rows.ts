import type { Sql } from 'estafet/postgres'

/** A row of `consumed_events`, as the page shows it. */
export interface ConsumedRow {
  readonly consumer_group: string
  readonly event_id: string
  readonly event_type: string
  readonly topic: string
  readonly partition: number
  /** A bigint, as text. */
  readonly kafka_offset: string
  readonly consumed_at: Date
}

/** The newest rows of all groups, newest first. */
export async function consumedRows(tx: Sql, limit: number): Promise<readonly ConsumedRow[]> {
  const { rows } = await tx.query<ConsumedRow>(
    `SELECT consumer_group, event_id, event_type, topic, partition, kafka_offset::text, consumed_at
    FROM consumed_events ORDER BY consumed_at DESC LIMIT $1`,
    [limit],
  )
  return rows
}

/** What a consumer group has made of the topic. */
export interface GroupTotals {
  readonly consumer_group: string
  readonly events: number
  readonly games: number
  readonly chats: number
}

/** The totals of every group that ever ran. */
export async function groupTotals(tx: Sql): Promise<readonly GroupTotals[]> {
  const { rows } = await tx.query<GroupTotals>(
    `SELECT e.consumer_group, count(*)::int AS events,
      (SELECT count(*)::int FROM games g WHERE g.consumer_group = e.consumer_group) AS games,
      (SELECT count(*)::int FROM chats c WHERE c.consumer_group = e.consumer_group) AS chats
    FROM consumed_events e GROUP BY e.consumer_group ORDER BY min(e.consumed_at)`,
  )
  return rows
}
