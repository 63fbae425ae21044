import { type Migration, migrations } from '../drivers/postgres/migration-files.ts'
import type { Database } from './database.ts'

export interface MigrationState extends Migration {
  /** When it was applied, in UTC; null when it was not. */
  readonly appliedAt: string | null
  /** True when what was applied is not what this version would apply. */
  readonly isChanged: boolean
}

/** What a database has of the migrations of this version, and which it has beyond them: applied by a later one. */
export async function migrationStates(
  database: Database,
): Promise<{ readonly states: readonly MigrationState[]; readonly later: readonly string[] }> {
  const known = await appliedMigrations(database)
  const ours = migrations()
  const states = ours.map((migration) => {
    const applied = known.find(({ number }) => number === migration.number)
    return {
      ...migration,
      appliedAt: applied?.applied_at ?? null,
      isChanged: applied !== undefined && applied.checksum !== migration.checksum,
    }
  })
  const later = known.filter(({ number }) => ours.every((each) => each.number !== number)).map(({ name }) => name)
  return { states, later }
}

interface AppliedMigration {
  readonly number: number
  readonly name: string
  readonly checksum: string
  readonly applied_at: string
}

async function appliedMigrations(database: Database): Promise<readonly AppliedMigration[]> {
  const { rows: exists } = await database.query<{ has: boolean }>(
    `SELECT to_regclass('estafet_migrations.migration') IS NOT NULL AS has`,
  )
  if (exists[0]?.has !== true) return []
  const { rows } = await database.query<AppliedMigration>(
    `SELECT number, name, checksum, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS applied_at
    FROM estafet_migrations.migration ORDER BY number`,
  )
  return rows
}
