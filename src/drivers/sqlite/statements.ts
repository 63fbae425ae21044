import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** What SQLite stores. A boolean has no form of its own: use 0 and 1. */
export type SqliteValue = null | number | bigint | string | Uint8Array
export type SqliteRow = Readonly<Record<string, SqliteValue>>

/** Enough for what a service says again and again; a text made anew each time must not fill the memory. */
const keptStatements = 200

const kept = new WeakMap<DatabaseSync, Map<string, StatementSync>>()

/** A statement of a connection, prepared once. */
export function prepared(database: DatabaseSync, sql: string): StatementSync {
  const statements = kept.get(database) ?? new Map<string, StatementSync>()
  kept.set(database, statements)
  const known = statements.get(sql) ?? database.prepare(sql)
  // The one used last goes to the end, so the first is the one that nobody used for longest.
  statements.delete(sql)
  statements.set(sql, known)
  const [oldest] = statements.keys()
  if (statements.size > keptStatements && oldest !== undefined) statements.delete(oldest)
  return known
}

/** Forgets a connection's statements: a closed one has none. */
export function forget(database: DatabaseSync): void {
  kept.delete(database)
}

/** SQL of the database's own clock, in ms since 1970: what leases and waits are measured by. */
export const nowMs = `CAST(round(unixepoch('subsec') * 1000) AS INTEGER)`

/** SQL of the database's own clock as ISO 8601 in UTC: for people. */
export const nowText = `strftime('%Y-%m-%dT%H:%M:%fZ', 'now')`

/** A whole number to bind: SQLite would take a JavaScript number for a real one, and a column of integers may refuse that. */
export function whole(value: number): bigint {
  return BigInt(Math.round(value))
}

export function textOf(row: SqliteRow, column: string): string {
  const value = row[column]
  if (value === null || value === undefined) throw new TypeError(`The column ${column} is empty.`)
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value)
}

export function textOrNull(row: SqliteRow, column: string): string | null {
  return row[column] === null || row[column] === undefined ? null : textOf(row, column)
}

export function numberOf(row: SqliteRow, column: string): number {
  return Number(textOf(row, column))
}

/** A column that was selected as text: an integer of SQLite may be larger than a JavaScript number is exact. */
export function bigintOf(row: SqliteRow, column: string): bigint {
  return BigInt(textOf(row, column))
}
