import { EstafetError, isEstafetError } from 'estafet'
import { type MigrationOptions, migrate } from 'estafet/postgres'
import pg from 'pg'
import { provisionDatabase } from '../postgres/provision.ts'
import { addressOf, type DatabaseServer, passwordOf } from './database-server.ts'
import { applyOwn, type SqlFile } from './own-migrations.ts'

/** A database of an application. */
export interface ApplicationDatabase {
  readonly name: string
  /** Who may log in; what each may do there is granted by the migrations. */
  readonly logins: readonly string[]
  readonly roles: MigrationOptions
  /** The service's own SQL. */
  readonly files: readonly SqlFile[]
}

/** Makes the databases and brings their schemas up to date. May be repeated; resolves to what was applied. */
export async function migrateDatabases(
  server: DatabaseServer,
  databases: readonly ApplicationDatabase[],
): Promise<readonly string[]> {
  const applied: string[] = []
  for (const { name: database, logins, roles, files } of databases) {
    const withPassword = (name: string) => ({ name, password: passwordOf(server, name) })
    const owner = withPassword(`${database}_owner`)
    await provisionDatabase(server.adminUrl, { database, owner, logins: logins.map(withPassword) })
    const client = new pg.Client({ connectionString: addressOf(server, database, owner.name) })
    await client.connect()
    try {
      const toolkit = await migrate(client, roles).catch((error: unknown) => throwOf(database, error))
      const own = await applyOwn(client, files)
      applied.push(...[...toolkit.applied, ...own].map((name) => `${database}: ${name}`))
    } finally {
      await client.end()
    }
  }
  return applied
}

/** The toolkit knows a connection; people look for a database. */
function throwOf(database: string, cause: unknown): never {
  if (!isEstafetError(cause)) throw cause
  throw new EstafetError(cause.code, `In the database ${database}: ${cause.message}`, { cause, details: cause.details })
}
