import type { Sql, SqlClient, SqlPool } from '../drivers/postgres/sql.ts'
import { isEstafetError } from '../message/errors.ts'
import type { Call } from './command.ts'
import { CommandFailure, refused, unreachable, usage } from './failure.ts'

/** A connection to the database that ESTAFET_DATABASE_URL names. */
export interface Database extends Sql {
  end(): Promise<void>
}

/** The same with its connection as a pool, for what wants one and uses one client of it at a time. */
export interface PooledDatabase extends Database {
  readonly pool: SqlPool
}

const connectMs = 10_000

/**
 * Runs work with one connection to the database that ESTAFET_DATABASE_URL names, and closes it.
 *
 * Throws a usage failure when the variable or the package `pg` is missing, unreachable when the database is; what the
 * toolkit itself refuses keeps its code.
 */
export async function withDatabase<Result>(
  call: Pick<Call, 'env'>,
  work: (database: PooledDatabase) => Promise<Result>,
): Promise<Result> {
  const database = await open(call)
  try {
    return await work(database)
  } catch (error) {
    throw explained(error)
  } finally {
    await database.end().catch(() => {})
  }
}

async function open({ env }: Pick<Call, 'env'>): Promise<PooledDatabase> {
  const address = env['ESTAFET_DATABASE_URL']
  if (address === undefined || address === '') {
    throw usage(
      'ESTAFET_DATABASE_URL is not set: this command needs a database.',
      'ESTAFET_DATABASE_URL=postgres://OWNER:PASSWORD@HOST/DATABASE estafet ...; the role must own the database.',
    )
  }
  if (!URL.canParse(address) || !/^postgres(ql)?:$/.test(new URL(address).protocol)) {
    throw usage('ESTAFET_DATABASE_URL is not an address such as postgres://OWNER:PASSWORD@HOST/DATABASE.')
  }
  const { default: pg } = await loadDriver()
  const client = new pg.Client({
    connectionString: address,
    connectionTimeoutMillis: connectMs,
    application_name: 'estafet',
  })
  // A connection that breaks between two statements is told again by the next one.
  client.on('error', () => {})
  try {
    await client.connect()
    return databaseOf(client)
  } catch (error) {
    await client.end().catch(() => {})
    throw notConnected(error, new URL(address))
  }
}

function databaseOf(client: Omit<SqlClient, 'release'> & { end(): Promise<void> }): PooledDatabase {
  const query: Sql['query'] = (statement, values) => client.query(statement, values)
  // One that is broken fails whoever uses it next.
  const only: SqlClient = {
    ...{ query, release: () => {} },
    on: (event, listener) => client.on(event, listener),
    off: (event, listener) => client.off(event, listener),
  }
  return { query, pool: { query, connect: () => Promise.resolve(only) }, end: () => client.end() }
}

async function loadDriver(): Promise<typeof import('pg')> {
  try {
    return await import('pg')
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error
    throw usage('This command needs the package pg, which is not installed beside estafet.', 'npm install pg')
  }
}

function notConnected(error: unknown, { hostname, port, pathname }: URL): CommandFailure {
  // Never the address as it is: it holds the password.
  const where = `the database ${decodeURIComponent(pathname.slice(1))} at ${hostname}:${port === '' ? '5432' : port}`
  const code = codeOf(error) ?? (error instanceof Error ? error.name : 'unknown')
  if (code === '28P01' || code === '28000' || code === '42501') {
    return refused(`${where} refused the login (${code}).`, 'See the role and the password in ESTAFET_DATABASE_URL.')
  }
  if (code === '3D000') return new CommandFailure('missing', 'NOT_FOUND', `There is no ${where}.`, 'Create it first.')
  return unreachable(`No connection to ${where}: ${code}.`, 'See that the server runs and that the address is right.')
}

/** What a database or the toolkit said, for people: by its code, never by a text that may quote a row. */
function explained(error: unknown): unknown {
  if (error instanceof CommandFailure) return error
  if (isEstafetError(error)) {
    const exit = error.code === 'UNAVAILABLE' ? 'unreachable' : 'refused'
    return new CommandFailure(exit, error.code, error.message, `docs/errors.md#${error.code.toLowerCase()}`)
  }
  const code = codeOf(error)
  if (code === null) return error
  if (code === '42501') return refused('The role may not do this (42501).', 'Use the login that owns the database.')
  if (code === '3F000' || code === '42P01' || code === '42883') {
    return new CommandFailure(
      'missing',
      'NOT_FOUND',
      `The database lacks part of the schema estafet (${code}).`,
      'estafet migrate up',
    )
  }
  return unreachable(`The database failed (${code}).`, 'See the log of its server.')
}

function codeOf(error: unknown): string | null {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : null
}
