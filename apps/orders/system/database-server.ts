import { createHmac } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Logger } from 'estafet'
import pg from 'pg'
import { startPostgres } from '../../../engines/postgres/server.ts'
import { type Settings, UnusableSettings } from './settings.ts'

/** A PostgreSQL server with the databases of all services. */
export interface DatabaseServer {
  /** For people: which one it is. */
  readonly says: string
  readonly adminUrl: string
  stop(): Promise<void>
}

/** The server of POSTGRES_URL, else an embedded one on ORDERS_HOME, which no second process may use meanwhile. */
export async function openServer(settings: Settings): Promise<DatabaseServer> {
  if (settings.POSTGRES_URL !== undefined) {
    const says = `PostgreSQL at ${new URL(settings.POSTGRES_URL).host}`
    await reached(settings.POSTGRES_URL, says)
    return { says, adminUrl: settings.POSTGRES_URL, stop: () => Promise.resolve() }
  }
  const home = settings.ORDERS_HOME
  const giveBack = takeFolder(home)
  try {
    const server = await startPostgres({ home, restart: true })
    const says = `PostgreSQL ${server.major}, embedded, in ${home}`
    return { says, adminUrl: server.adminUrl, stop: () => server.stop().finally(giveBack) }
  } catch (error) {
    giveBack()
    throw error
  }
}

/** Who starts the program is told in a sentence that it cannot be used, with the code of the network or of PostgreSQL. */
async function reached(connectionString: string, says: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 })
  try {
    await client.connect()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
    throw new UnusableSettings(`POSTGRES_URL: ${says} lets nobody in${code}.`, { cause })
  } finally {
    await client.end().catch(() => {})
  }
}

/** The lock is the operating system's: it goes with the process, however that ends. */
function takeFolder(home: string): () => void {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const lock = new DatabaseSync(join(home, 'running.lock'))
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return () => lock.close()
  } catch (error) {
    lock.close()
    throw new UnusableSettings(`${home} is in use: stop what runs there, or set ORDERS_HOME.`, { cause: error })
  }
}

/** The address of a database for one role. */
export function addressOf(server: DatabaseServer, database: string, role: string): string {
  const url = new URL(server.adminUrl)
  url.pathname = `/${database}`
  url.username = role
  url.password = passwordOf(server, role)
  return url.href
}

/** Follows from the administrator's, so that it need not be kept and `migrate` and `start` agree. */
export function passwordOf({ adminUrl }: DatabaseServer, role: string): string {
  return createHmac('sha256', new URL(adminUrl).password).update(`orders/${role}`).digest('base64url')
}

/** A pool of connections; a lost one is replaced, and said so. */
export function connect(url: string, logger: Logger, more: pg.PoolConfig = {}): pg.Pool {
  // The option is newer than the published types.
  const config: pg.PoolConfig & { readonly pipeline: boolean } = {
    ...{ max: 10, connectionTimeoutMillis: 10_000, ...more },
    ...{ connectionString: url, pipeline: true },
  }
  const pool = new pg.Pool(config)
  // Without a listener, a connection that is lost right after it was made would end the process.
  pool.on('connect', (client) => void client.on('error', () => {}))
  pool.on('error', (error) => logger.warn('an idle connection was lost', { error: error.name }))
  return pool
}
