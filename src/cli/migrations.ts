import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Database } from './database.ts'

export interface Migration {
  readonly number: number
  readonly name: string
  readonly text: string
  readonly checksum: string
}

export interface MigrationState extends Migration {
  /** When it was applied, in UTC; null when it was not. */
  readonly appliedAt: string | null
  /** True when what was applied is not what this version would apply. */
  readonly isChanged: boolean
}

const folder = new URL('../drivers/postgres/migrations/', import.meta.url)

/** The migrations of this version, in order. */
export function migrations(): readonly Migration[] {
  const files = readdirSync(fileURLToPath(folder)).filter((file) => /^\d{4}-[a-z-]+\.sql$/.test(file))
  return files.sort().map((file) => {
    const text = readFileSync(new URL(file, folder), 'utf8')
    const checksum = createHash('sha256').update(text).digest('hex')
    return { number: Number(file.slice(0, 4)), name: file.slice(0, -'.sql'.length), text, checksum }
  })
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
