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
  /** Folder of the service's own migrations; null: it has none. */
  readonly migrations: string | null
}

const own = (service: string): Database => ({
  logins: [`team_${service}`],
  roles: { services: [`team_${service}`], readers: [`team_${service}`] },
  migrations: service,
})

/**
 * Each service has a database of its own, into which no other may log in. `team_broker` stands in for Redis and Kafka where
 * there are none. The prefix keeps them apart from those of other applications on the same server.
 */
const databases: Readonly<Record<string, Database>> = {
  team_auth: own('auth'),
  team_tasks: own('tasks'),
  team_notifications: own('notifications'),
  team_broker: {
    logins: ['team_auth', 'team_tasks', 'team_notifications', 'team_analytics'],
    roles: {
      relays: ['team_auth', 'team_tasks', 'team_notifications', 'team_analytics'],
      readers: ['team_tasks', 'team_notifications', 'team_analytics'],
    },
    migrations: null,
  },
}

/** Makes the databases and brings their schemas up to date. May be repeated; resolves to what was applied. */
export async function migrateAll(server: DatabaseServer): Promise<readonly string[]> {
  const applied: string[] = []
  for (const [database, { logins, roles, migrations }] of Object.entries(databases)) {
    const withPassword = (name: string) => ({ name, password: passwordOf(server, name) })
    const owner = withPassword(`${database}_owner`)
    await provisionDatabase(server.adminUrl, { database, owner, logins: logins.map(withPassword) })
    const client = new pg.Client({ connectionString: addressOf(server, database, owner.name) })
    await client.connect()
    try {
      const toolkit = await migrate(client, roles).catch((error: unknown) => throwOf(database, error))
      const service = migrations === null ? [] : await migrateOwn(client, migrations)
      applied.push(...[...toolkit.applied, ...service].map((name) => `${database}: ${name}`))
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
  const folder = fileURLToPath(new URL(`../${service}/migrations/`, import.meta.url))
  await client.query('CREATE TABLE IF NOT EXISTS applied_migration (name text PRIMARY KEY)')
  for (const file of readdirSync(folder).sort()) {
    const name = file.replace(/\.sql$/, '')
    await client.query('BEGIN')
    const noted = await client.query('INSERT INTO applied_migration VALUES ($1) ON CONFLICT DO NOTHING', [name])
    if (noted.rowCount === 1) {
      await client.query(readFileSync(`${folder}${file}`, 'utf8'))
      applied.push(name)
    }
    await client.query('COMMIT')
  }
  return applied
}
