import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { EstafetError, isEstafetError } from 'estafet'
import { type MigrationOptions, migrate } from 'estafet/postgres'
import pg from 'pg'
import { addressOf, type DatabaseServer, passwordOf } from '../../../engines/application/database-server.ts'
import { provisionDatabase } from '../../../engines/postgres/provision.ts'

interface Database {
  /** Who may log in; what each may do there is granted by the migrations. */
  readonly logins: readonly string[]
  readonly roles: MigrationOptions
}

/** Each service has a database of its own. `broker` stands in for Kafka where there is none. */
const databases: Readonly<Record<string, Database>> = {
  games: { logins: ['games', 'referee'], roles: { services: ['games'], readers: ['games'] } },
  scoreboard: { logins: ['scoreboard'], roles: { services: ['scoreboard'] } },
  broker: { logins: ['games', 'scoreboard'], roles: { relays: ['games'], readers: ['scoreboard'] } },
}

/** Makes the databases and brings their schemas up to date. May be repeated; resolves to what was applied. */
export async function migrateAll(server: DatabaseServer): Promise<readonly string[]> {
  const applied: string[] = []
  for (const [database, { logins, roles }] of Object.entries(databases)) {
    const withPassword = (name: string) => ({ name, password: passwordOf(server, name) })
    const owner = withPassword(`${database}_owner`)
    await provisionDatabase(server.adminUrl, { database, owner, logins: logins.map(withPassword) })
    const client = new pg.Client({ connectionString: addressOf(server, database, owner.name) })
    await client.connect()
    try {
      const toolkit = await migrate(client, roles).catch((error: unknown) => throwOf(database, error))
      const own = await migrateOwn(client, database)
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

/** Applies a service's own numbered SQL files, each once. */
async function migrateOwn(client: pg.Client, service: string): Promise<readonly string[]> {
  const applied: string[] = []
  await client.query('CREATE TABLE IF NOT EXISTS applied_migration (name text PRIMARY KEY)')
  for (const { name, text } of migrationsOf(service)) {
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

function migrationsOf(service: string): readonly { readonly name: string; readonly text: string }[] {
  if (service === 'broker') return []
  const folder = fileURLToPath(new URL(`../${service}/migrations/`, import.meta.url))
  return readdirSync(folder)
    .sort()
    .map((file) => ({ name: file.replace(/\.sql$/, ''), text: readFileSync(`${folder}${file}`, 'utf8') }))
}
