import type { DatabaseSync } from 'node:sqlite'
import { EstafetError } from '../../message/errors.ts'
import { openConnection, patiently } from './connection.ts'
import { type Migration, migrations } from './migrations.ts'
import { nowText, numberOf, textOf } from './statements.ts'

export interface MigrationResult {
  /** Names of the migrations that this call applied, in order. */
  readonly applied: readonly string[]
}

/**
 * Brings the toolkit's tables of a SQLite file, all named `estafet_...`, up to date; makes the file if there is none. May
 * be repeated, also by several processes at once: each migration is applied once, in a transaction of its own.
 *
 * Throws SCHEMA_DRIFT when an applied migration was changed, MISCONFIGURED when the file cannot be used, UNAVAILABLE when
 * another process keeps it locked for 10 s.
 */
export async function migrate(of: string | DatabaseSync): Promise<MigrationResult> {
  const connection = openConnection(of, 10_000)
  try {
    const database = connection.writer()
    const applied: string[] = []
    for (const migration of migrations()) {
      if (await patiently(connection.patienceMs, () => apply(database, migration))) applied.push(migration.name)
    }
    return { applied }
  } finally {
    await connection.close()
  }
}

/** Checks that the migrations of this version were applied. Throws SCHEMA_DRIFT, or MISCONFIGURED when one is missing. */
export function checkMigrations(database: DatabaseSync): void {
  const known = appliedMigrations(database)
  refuseChanged(known)
  const missing = migrations().filter(({ number }) => !known.has(number))
  if (missing.length === 0) return
  const names = missing.map(({ name }) => name).join(', ')
  throw new EstafetError('MISCONFIGURED', `Migrations are missing in the SQLite database: ${names}. Run migrate.`)
}

/** Tells whether it was applied now; false when it was before. */
function apply(database: DatabaseSync, migration: Migration): boolean {
  database.exec('BEGIN IMMEDIATE')
  try {
    database.exec(`CREATE TABLE IF NOT EXISTS estafet_migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL,
      checksum TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT`)
    const known = appliedMigrations(database)
    refuseChanged(known)
    const isNew = !known.has(migration.number)
    if (isNew) {
      database.exec(migration.text)
      database
        .prepare(`INSERT INTO estafet_migration (number, name, checksum, applied_at) VALUES (?, ?, ?, ${nowText})`)
        .run(BigInt(migration.number), migration.name, migration.checksum)
    }
    database.exec('COMMIT')
    return isNew
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function appliedMigrations(database: DatabaseSync): ReadonlyMap<number, string> {
  const table = database.prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'estafet_migration'`)
  if (table.get() === undefined) return new Map()
  const rows = database.prepare('SELECT number, checksum FROM estafet_migration').all()
  return new Map(rows.map((row) => [numberOf(row, 'number'), textOf(row, 'checksum')]))
}

function refuseChanged(known: ReadonlyMap<number, string>): void {
  const changed = migrations().filter(({ number, checksum }) => (known.get(number) ?? checksum) !== checksum)
  if (changed.length === 0) return
  const names = changed.map(({ name }) => name)
  throw new EstafetError(
    'SCHEMA_DRIFT',
    `Applied migrations differ from this version's: ${names.join(', ')}. Install the version that applied them.`,
    { details: { migrations: names } },
  )
}
