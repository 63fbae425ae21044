import type pg from 'pg'

/** What the server has written so far: load-independent, unlike time. */
export interface ServerCounters {
  readonly walBytes: number
  readonly commits: number
}

export async function serverCounters(pool: pg.Pool): Promise<ServerCounters> {
  // Statistics reach the shared tables with some delay; this flushes the asking session's, and a second is enough for others.
  const { rows } = await pool.query<{ wal: string; commits: string }>(
    `SELECT (pg_current_wal_insert_lsn() - '0/0')::text AS wal,
      (SELECT sum(xact_commit)::text FROM pg_stat_database) AS commits`,
  )
  return { walBytes: Number(rows[0]?.wal ?? 0), commits: Number(rows[0]?.commits ?? 0) }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
