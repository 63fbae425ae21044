import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { EstafetError, isEstafetError } from 'estafet'
import { type MigrationOptions, migrate } from 'estafet/postgres'
import pg from 'pg'
import { addressOf, type DatabaseServer, passwordOf } from '../../../engines/application/database-server.ts'
import { provisionDatabase } from '../../../engines/postgres/provision.ts'

export type ServiceName = 'users' | 'catalog' | 'inventory' | 'orders'

interface Database {
  /** Who may log in; what each may do there is granted by the migrations. */
  readonly logins: readonly string[]
  readonly roles: MigrationOptions
}

const own = (name: ServiceName, readers: readonly ServiceName[] = []): Database => ({
  logins: [name, ...readers].map(databaseOf),
  roles: { services: [databaseOf(name)], readers: readers.map(databaseOf) },
})

/** Each service has a database of its own; others may read its log of messages, and nothing else. */
const databases: Readonly<Record<ServiceName, Database>> = {
  users: own('users', ['orders']),
  catalog: own('catalog', ['orders']),
  inventory: own('inventory'),
  orders: own('orders'),
}

/** The name of a service's database, and of its role. */
export function databaseOf(name: ServiceName): string {
  return `orders_${name}`
}

/** Makes the databases and brings their schemas up to date. May be repeated; resolves to what was applied. */
export async function migrateAll(server: DatabaseServer): Promise<readonly string[]> {
  const applied: string[] = []
  for (const name of ['users', 'catalog', 'inventory', 'orders'] as const) {
    const { logins, roles } = databases[name]
    const database = databaseOf(name)
    const withPassword = (role: string) => ({ name: role, password: passwordOf(server, role) })
    const owner = withPassword(`${database}_owner`)
    await provisionDatabase(server.adminUrl, { database, owner, logins: logins.map(withPassword) })
    const client = new pg.Client({ connectionString: addressOf(server, database, owner.name) })
    await client.connect()
    try {
      const toolkit = await migrate(client, roles).catch((error: unknown) => throwOf(database, error))
      const own = await migrateOwn(client, migrationsOf(name))
      applied.push(...[...toolkit.applied, ...own].map((migration) => `${database}: ${migration}`))
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

interface SqlFile {
  readonly name: string
  readonly text: string
}

/** Applies a database's own numbered SQL files, each once. */
export async function migrateOwn(client: pg.Client, files: readonly SqlFile[]): Promise<readonly string[]> {
  const applied: string[] = []
  await client.query('CREATE TABLE IF NOT EXISTS applied_migration (name text PRIMARY KEY)')
  for (const { name, text } of files) {
    await client.query('BEGIN')
    const noted = await client.query('INSERT INTO applied_migration VALUES ($1) ON CONFLICT DO NOTHING', [name])
    if (noted.rowCount === 1) {
      await client.query(text)
      applied.push(name)
    }
    await client.query('COMMIT')
  }
  return applied
}

/** The SQL files of a folder of the application, in their order. */
export function migrationsOf(part: string): readonly SqlFile[] {
  const folder = fileURLToPath(new URL(`../${part}/migrations/`, import.meta.url))
  return readdirSync(folder)
    .sort()
    .map((file) => ({ name: file.replace(/\.sql$/, ''), text: readFileSync(`${folder}${file}`, 'utf8') }))
}
