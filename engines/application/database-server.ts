import { createHmac } from 'node:crypto'
import type { Logger } from 'estafet'
import pg from 'pg'
import { startPostgres } from '../postgres/server.ts'
import { FolderInUse, takeFolder } from './exclusive-folder.ts'
import { UnusableSettings } from './settings.ts'

/** A PostgreSQL server with the databases of an application's services. */
export interface DatabaseServer {
  /** For people: which one it is. */
  readonly says: string
  readonly application: string
  readonly adminUrl: string
  stop(): Promise<void>
}

export interface DatabaseServerOptions {
  /** Its name. Passwords of its roles follow from it: do not change it. */
  readonly application: string
  /** Of a server of the user's. Left out: an embedded one. */
  readonly url: string | undefined
  /** Folder of the embedded one, which no second process may use meanwhile. */
  readonly home: string
  /** The variable that names the folder. */
  readonly homeVariable: string
  /** True when there is something else in the folder: it is then held with a server of the user's, too. (Default: false.) */
  readonly alwaysHoldsHome?: boolean
}

/** Opens the server of an application. Throws UnusableSettings. */
export async function openServer(options: DatabaseServerOptions): Promise<DatabaseServer> {
  const { application, url, home } = options
  const isEmbedded = url === undefined
  const giveBack = isEmbedded || options.alwaysHoldsHome === true ? held(options) : () => {}
  try {
    if (!isEmbedded) {
      const says = `PostgreSQL at ${new URL(url).host}`
      await reached(url, says)
      return { says, application, adminUrl: url, stop: async () => giveBack() }
    }
    const server = await startPostgres({ home, restart: true })
    const says = `PostgreSQL ${server.major}, embedded, in ${home}`
    return { says, application, adminUrl: server.adminUrl, stop: () => server.stop().finally(giveBack) }
  } catch (error) {
    giveBack()
    throw error
  }
}

function held({ home, homeVariable }: DatabaseServerOptions): () => void {
  try {
    return takeFolder(home)
  } catch (cause) {
    if (!(cause instanceof FolderInUse)) throw cause
    throw new UnusableSettings(`${home} is in use: stop what runs there, or set ${homeVariable}.`, { cause })
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

/** The address of a database for one role. */
export function addressOf(server: DatabaseServer, database: string, role: string): string {
  const url = new URL(server.adminUrl)
  url.pathname = `/${database}`
  url.username = role
  url.password = passwordOf(server, role)
  return url.href
}

/** Follows from the administrator's, so that it need not be kept and `migrate` and `start` agree. */
export function passwordOf({ adminUrl, application }: DatabaseServer, role: string): string {
  return createHmac('sha256', new URL(adminUrl).password).update(`${application}/${role}`).digest('base64url')
}

/** A pool of connections; a lost one is replaced, and said so. */
export function connect(url: string, logger: Logger, more: pg.PoolConfig = {}): pg.Pool {
  // The option is newer than the published types.
  const config: pg.PoolConfig & { readonly pipeline: boolean } = {
    ...{ max: 20, connectionTimeoutMillis: 10_000, ...more },
    ...{ connectionString: url, pipeline: true },
  }
  const pool = new pg.Pool(config)
  // A server that ends right after it let a client in says both in one packet: pg-pool has then taken its own listener
  // away, nobody has put up another one, and the process would end.
  pool.on('connect', (client) => void client.on('error', () => {}))
  pool.on('error', (error) => logger.warn('an idle connection was lost', { error: error.name }))
  return pool
}
