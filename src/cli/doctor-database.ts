import { checkMigrations } from '../drivers/postgres/migrate.ts'
import { isEstafetError } from '../message/errors.ts'
import { type Check, checksOf } from './check.ts'
import type { Database } from './database.ts'
import { migrationStates } from './migrations.ts'
import { sayMs } from './span.ts'

/** Looks at a service's database for what loses messages, holds readers up, or will: transactions older than `longMs`. */
export async function databaseChecks(database: Database, longMs = 60_000): Promise<readonly Check[]> {
  const { rows } = await database.query<{ name: string; is_replica: boolean }>(
    'SELECT current_database()::text AS name, pg_is_in_recovery() AS is_replica',
  )
  const of = `database ${rows[0]?.name ?? ''}`
  const isReplica = rows[0]?.is_replica === true
  const schema = await schemaCheck(database, of)
  const hasLog = await logExists(database)
  return [
    isReplica
      ? checksOf(of).fail(
          'primary',
          'it is a replica, where the log protocol cannot be read',
          'Point ESTAFET_DATABASE_URL and the services at the primary.',
        )
      : checksOf(of).ok('primary', 'it is the primary'),
    ...schema,
    await commitCheck(database, of),
    ...(hasLog
      ? [await sequenceCheck(database, of), await serverCheck(database, of), await preparedCheck(database, of)]
      : []),
    await longCheck(database, of, longMs),
  ]
}

async function schemaCheck(database: Database, of: string): Promise<readonly Check[]> {
  const { ok, fail } = checksOf(of)
  const { states, later } = await migrationStates(database)
  const missing = states.filter(({ appliedAt }) => appliedAt === null).map(({ name }) => name)
  if (missing.length > 0) return [fail('migrations', `missing: ${missing.join(', ')}`, 'estafet migrate up')]
  if (later.length > 0) {
    return [fail('migrations', `a later version applied ${later.join(', ')}`, 'npm install estafet@latest')]
  }
  const applied = ok('migrations', `all ${states.length} are applied`)
  try {
    await checkMigrations(database)
    return [applied, ok('drift', 'the schema is as the migrations made it')]
  } catch (error) {
    if (!isEstafetError(error, 'SCHEMA_DRIFT')) throw error
    return [
      applied,
      fail(
        'drift',
        error.message,
        'estafet migrate status names each; undo it by hand, or install the version that made it.',
      ),
    ]
  }
}

async function logExists(database: Database): Promise<boolean> {
  const { rows } = await database.query<{ has: boolean }>(
    `SELECT to_regclass('estafet.outbox_head') IS NOT NULL AND to_regclass('estafet.outbox_position') IS NOT NULL AS has`,
  )
  return rows[0]?.has === true
}

/** Of the server, of the database and of roles: a service's own session may have another value than ours. */
async function commitCheck(database: Database, of: string): Promise<Check> {
  const { ok, fail } = checksOf(of)
  const { rows } = await database.query<{ place: string; fix: string }>(
    `SELECT 'the server or this session' AS place,
      'ALTER SYSTEM RESET synchronous_commit; SELECT pg_reload_conf();' AS fix
    WHERE current_setting('synchronous_commit') = 'off'
    UNION ALL
    SELECT CASE WHEN s.setrole = 0 THEN 'the database' ELSE 'the role ' || s.setrole::regrole::text END,
      CASE WHEN s.setrole = 0 THEN format('ALTER DATABASE %I RESET synchronous_commit;', current_database())
        WHEN s.setdatabase = 0 THEN format('ALTER ROLE %s RESET synchronous_commit;', s.setrole::regrole)
        ELSE format('ALTER ROLE %s IN DATABASE %I RESET synchronous_commit;', s.setrole::regrole, current_database()) END
    FROM pg_db_role_setting s WHERE 'synchronous_commit=off' = ANY (s.setconfig)
      AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))`,
  )
  if (rows.length === 0) return ok('synchronous_commit', 'what is committed is on disk')
  const places = rows.map(({ place }) => place).join(', ')
  return fail(
    'synchronous_commit',
    `it is off for ${places}: a crash loses committed messages`,
    rows.map(({ fix }) => fix).join(' '),
  )
}

async function sequenceCheck(database: Database, of: string): Promise<Check> {
  const { ok, fail } = checksOf(of)
  const { rows } = await database.query<{ cache: string }>(
    `SELECT seqcache::text AS cache FROM pg_sequence WHERE seqrelid = 'estafet.outbox_position'::regclass`,
  )
  const cache = rows[0]?.cache ?? '1'
  if (cache === '1') return ok('sequence', 'positions are drawn one by one')
  return fail(
    'sequence',
    `sessions keep ${cache} positions in reserve, so low ones come late`,
    'ALTER SEQUENCE estafet.outbox_position CACHE 1;',
  )
}

async function serverCheck(database: Database, of: string): Promise<Check> {
  const { ok, fail } = checksOf(of)
  const { rows } = await database.query<{ is_server: boolean; is_timeline: boolean | null }>(
    'SELECT is_server, is_timeline FROM estafet.outbox_head',
  )
  const [row] = rows
  if (row === undefined || (row.is_server && row.is_timeline === true)) return ok('epoch', 'the log is of this server')
  if (row.is_timeline === null) return ok('epoch', 'cannot be told on a replica')
  return fail(
    'epoch',
    'the log was begun on another server or timeline: a restore or a failover',
    'Find out what was lost, then: estafet log new-epoch',
  )
}

/**
 * A prepared transaction that published holds the log's lock until somebody ends it: readers wait at its positions. Its
 * locks have no process; the one on its own number tells whose they are.
 */
async function preparedCheck(database: Database, of: string): Promise<Check> {
  const { ok, fail } = checksOf(of)
  const { rows } = await database.query<{ gid: string; age_ms: number; end: string }>(
    `SELECT p.gid, (extract(epoch FROM clock_timestamp() - p.prepared) * 1000)::float8 AS age_ms,
      format('COMMIT PREPARED %L; -- or ROLLBACK PREPARED %L;', p.gid, p.gid) AS end
    FROM pg_prepared_xacts p JOIN pg_locks t ON t.locktype = 'transactionid' AND t.transactionid = p.transaction AND t.pid IS NULL
    WHERE p.database = current_database() AND EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory'
      AND l.classid = 1163084870 AND l.pid IS NULL AND l.virtualtransaction = t.virtualtransaction)
    ORDER BY p.prepared`,
  )
  const [oldest] = rows
  if (oldest === undefined) return ok('prepared', 'no prepared transaction holds the log')
  return fail(
    'prepared',
    `${rows.length} prepared transactions hold the log, the oldest for ${sayMs(oldest.age_ms)}: readers wait for them`,
    rows.map(({ end }) => end).join(' '),
  )
}

async function longCheck(database: Database, of: string, longMs: number): Promise<Check> {
  const { ok, warn } = checksOf(of)
  const { rows } = await database.query<{ pid: number; application: string; age_ms: number; has_lock: boolean }>(
    `SELECT a.pid, a.application_name AS application,
      (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::float8 AS age_ms,
      EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.classid = 1163084870
        AND l.database = a.datid) AS has_lock
    FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
      AND a.xact_start < clock_timestamp() - $1::float8 * interval '1 millisecond'
    ORDER BY has_lock DESC, a.xact_start`,
    [longMs],
  )
  const [worst] = rows
  if (worst === undefined) return ok('transactions', `none is older than ${sayMs(longMs)}`)
  const held = worst.has_lock ? ', and it published: readers wait for it' : ''
  const name = worst.application === '' ? '' : ` of ${worst.application}`
  return warn(
    'transactions',
    `${rows.length} older than ${sayMs(longMs)}; pid ${worst.pid}${name} for ${sayMs(worst.age_ms)}${held}`,
    `See what it does; to end it: SELECT pg_terminate_backend(${worst.pid});`,
  )
}
