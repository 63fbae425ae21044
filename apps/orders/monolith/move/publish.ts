import type { PostgresStore, Sql } from 'estafet/postgres'
import { goneParts, sourcePage } from './source-parts.ts'
import { type SourceTable, sourceTables } from './source-rows.ts'

/** Called at each step with its name; tests end the process there. */
export type Reach = (point: string) => void

export interface Publishing {
  /** Of the monolith, as a role that may read its tables and publish. */
  readonly store: PostgresStore
  /** Rows of one transaction. */
  readonly batch: number
  readonly reach: Reach
}

/**
 * Publishes the next rows of the load, with how far it got in the same transaction: whoever begins again goes on behind the last
 * batch that was committed. Resolves to how many rows there were; 0 when the table is through.
 */
export async function loadOnce({ store, batch, reach }: Publishing, table: SourceTable): Promise<number> {
  const rows = await store.transaction(async (tx, publish) => {
    await takeTurn(tx)
    reach('load begun')
    // Rows that are made from now on are noted: the load ends, however fast others write.
    const { rows: progress } = await tx.query<{ last_id: string | null; up_to: string; is_done: boolean }>(
      `UPDATE move.progress SET up_to = coalesce(up_to, (SELECT max(id) FROM ${table}), 0)
      WHERE source_table = $1 RETURNING last_id::text, up_to::text, is_done`,
      [table],
    )
    const [{ last_id: after, up_to: upTo, is_done } = { last_id: null, up_to: '0', is_done: false }] = progress
    if (is_done) return 0
    const { ids, parts } = await sourcePage(tx, store, table, { after, upTo, limit: batch })
    publish(...parts.map(({ message }) => message))
    await tx.query('UPDATE move.progress SET last_id = $2, rows = rows + $3, is_done = $4 WHERE source_table = $1', [
      table,
      ids.at(-1) ?? after,
      ids.length,
      ids.length < batch,
    ])
    reach('load published')
    return ids.length
  })
  reach('load committed')
  return rows
}

/**
 * Publishes rows that were noted as changed, as they are now, and takes the notes away, in one transaction: of the notes up to a number,
 * because who writes faster than we read would else keep us here. Resolves to how many there were.
 */
export async function followOnce({ store, batch, reach }: Publishing, upTo: string): Promise<number> {
  const taken = await store.transaction(async (tx, publish) => {
    await takeTurn(tx)
    reach('change begun')
    const { rows: notes } = await tx.query<{ source_table: string; row_id: string }>(
      `DELETE FROM move.note WHERE number IN (SELECT number FROM move.note WHERE number <= $2::bigint
        ORDER BY number LIMIT $1) RETURNING source_table, row_id::text`,
      [batch, upTo],
    )
    for (const table of sourceTables) {
      const ids = [...new Set(notes.filter((note) => note.source_table === table).map(({ row_id }) => row_id))]
      if (ids.length === 0) continue
      // A statement of its own, so it sees at least what the notes are of.
      const found = await sourcePage(tx, store, table, { ids })
      const gone = ids.filter((id) => !found.ids.includes(id)).flatMap((id) => goneParts(table, id))
      publish(...[...found.parts, ...gone].map(({ message }) => message))
    }
    reach('change published')
    return notes.length
  })
  reach('change committed')
  return taken
}

/** The number of the newest note, and how many there are. */
export async function notesNow(sql: Sql): Promise<{ readonly newest: string; readonly waiting: number }> {
  const { rows } = await sql.query<{ newest: string; waiting: number }>(
    'SELECT coalesce(max(number), 0)::text AS newest, count(*)::int AS waiting FROM move.note',
  )
  return rows[0] ?? { newest: '0', waiting: 0 }
}

/** Notes rows as if they had changed: they are published again. */
export async function noteAgain(
  { store }: Publishing,
  rows: readonly { readonly table: SourceTable; readonly id: string }[],
): Promise<void> {
  await store.transaction((tx) =>
    tx.query('INSERT INTO move.note (source_table, row_id) SELECT * FROM unnest($1::text[], $2::bigint[])', [
      rows.map(({ table }) => table),
      rows.map(({ id }) => id),
    ]),
  )
}

/**
 * One transaction of the move after the other, whatever runs: what is read later is published later. Else a row that was read before
 * a change could be published after it, and be the last word.
 */
async function takeTurn(tx: Sql): Promise<void> {
  await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('estafet move', 0))`)
}
