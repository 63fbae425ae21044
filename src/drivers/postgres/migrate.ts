import { EstafetError } from '../../message/errors.ts'
import { describeSchema, differences } from './drift.ts'
import { translate } from './failure.ts'
import { type Migration, migrations } from './migration-files.ts'
import type { Sql } from './sql.ts'

export interface MigrationOptions {
  /** Login roles of the service itself: they may publish, and keep progress. */
  readonly services?: readonly string[]
  /** Login roles that may read this database's log and topics. */
  readonly readers?: readonly string[]
  /** Login roles that may relay into this database's topics. */
  readonly relays?: readonly string[]
  /** Login roles that may seal and open what is personal with the keys in this database. */
  readonly vaults?: readonly string[]
  /** Login roles that may erase persons; they may seal and open, too. */
  readonly erasers?: readonly string[]
}

export interface MigrationResult {
  /** Names of the migrations that this call applied, in order. */
  readonly applied: readonly string[]
}

/**
 * Brings the schema `estafet` of a database up to date and gives roles their access. May be repeated, also by several
 * processes at once: each migration is applied once, in a transaction of its own.
 *
 * `client` is one connection (not a pool) of a role that owns the database and may create roles. Throws SCHEMA_DRIFT
 * when an applied migration was changed, or the schema was, MISCONFIGURED when the role lacks a privilege.
 */
export async function migrate(client: Sql, options: MigrationOptions = {}): Promise<MigrationResult> {
  const applied: string[] = []
  try {
    await refuseLongName(client)
    // Of the session, so that it spans the transactions; a process that dies lets go of it with its connection.
    await client.query('SELECT pg_advisory_lock(1163084869, 0)')
    try {
      await client.query(bookkeeping)
      const known = await appliedMigrations(client)
      refuseChanged(known)
      if (known.size > 0) await refuseDrift(client)
      for (const migration of migrations()) {
        if (known.has(migration.number)) continue
        await apply(client, migration)
        applied.push(migration.name)
      }
      await grantAccess(client, options)
      await client.query('UPDATE estafet_migrations.schema SET described = $1', [
        JSON.stringify(await describeSchema(client)),
      ])
    } finally {
      await client.query('SELECT pg_advisory_unlock(1163084869, 0)')
    }
  } catch (error) {
    throw explain(error)
  }
  return { applied }
}

/**
 * Checks that a database is as the migrations of this version made it. Throws SCHEMA_DRIFT, naming what differs, or
 * MISCONFIGURED when migrations are missing.
 */
export async function checkMigrations(client: Sql): Promise<void> {
  const exists = await client.query(`SELECT FROM pg_namespace WHERE nspname = 'estafet_migrations'`)
  const known = exists.rowCount === 0 ? new Map<number, string>() : await appliedMigrations(client)
  refuseChanged(known)
  const missing = migrations().filter(({ number }) => !known.has(number))
  if (missing.length > 0) {
    const names = missing.map(({ name }) => name).join(', ')
    throw new EstafetError('MISCONFIGURED', `Migrations are missing: ${names}. Run migrate.`)
  }
  await refuseDrift(client)
}

const bookkeeping = `CREATE SCHEMA IF NOT EXISTS estafet_migrations;
  CREATE TABLE IF NOT EXISTS estafet_migrations.migration (number int PRIMARY KEY, name text NOT NULL,
    checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp());
  CREATE TABLE IF NOT EXISTS estafet_migrations.schema (one boolean PRIMARY KEY DEFAULT true CHECK (one), described json);
  INSERT INTO estafet_migrations.schema (one) VALUES (true) ON CONFLICT DO NOTHING`

async function apply(client: Sql, migration: Migration): Promise<void> {
  await client.query('BEGIN')
  try {
    await client.query(migration.text)
    await client.query('INSERT INTO estafet_migrations.migration (number, name, checksum) VALUES ($1, $2, $3)', [
      migration.number,
      migration.name,
      migration.checksum,
    ])
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}

async function appliedMigrations(client: Sql): Promise<ReadonlyMap<number, string>> {
  const { rows } = await client.query<{ number: number; checksum: string }>(
    'SELECT number, checksum FROM estafet_migrations.migration',
  )
  return new Map(rows.map(({ number, checksum }) => [number, checksum]))
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

async function refuseDrift(client: Sql): Promise<void> {
  const { rows } = await client.query<{ described: Record<string, string> | null }>(
    'SELECT described FROM estafet_migrations.schema',
  )
  const before = rows[0]?.described ?? null
  if (before === null) return
  const found = differences(before, await describeSchema(client))
  if (found.length === 0) return
  throw new EstafetError(
    'SCHEMA_DRIFT',
    `The schema estafet was changed by something other than its migrations: ${found.slice(0, 10).join('; ')}.`,
    { details: { differences: found } },
  )
}

async function grantAccess(client: Sql, options: MigrationOptions): Promise<void> {
  const wanted: readonly (readonly [string, readonly string[]])[] = [
    ['publisher', options.services ?? []],
    ['subscriber', options.services ?? []],
    ['reader', options.readers ?? []],
    ['relay', options.relays ?? []],
    ['vault', options.vaults ?? []],
    ['eraser', options.erasers ?? []],
  ]
  for (const [kind, roles] of wanted) {
    for (const role of roles) {
      // Identifiers cannot be bound; format's %I quotes them, and the text itself never leaves the server unquoted.
      const { rows } = await client.query<{ text: string }>(
        `SELECT format('GRANT %I TO %I', estafet.role_name($1), $2::text) AS text`,
        [kind, role],
      )
      await client.query(rows[0]?.text ?? '')
    }
  }
}

async function refuseLongName(client: Sql): Promise<void> {
  const { rows } = await client.query<{ name: string }>('SELECT current_database()::text AS name')
  if ((rows[0]?.name ?? '').length <= 40) return
  throw new EstafetError(
    'MISCONFIGURED',
    'The name of the database is longer than 40 characters, which leaves no room for the names of its roles.',
  )
}

function explain(error: unknown): unknown {
  if (typeof error === 'object' && error !== null && 'code' in error && error.code === '42501') {
    return new EstafetError(
      'MISCONFIGURED',
      'The migrating role lacks a privilege (42501): it must own the database and have CREATEROLE, or an administrator makes the roles estafet_{publisher,subscriber,reader,relay,vault,eraser}_<database> beforehand and grants them to it WITH ADMIN OPTION.',
      { cause: error },
    )
  }
  return translate(error)
}
