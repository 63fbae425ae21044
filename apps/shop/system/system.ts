import { randomBytes } from 'node:crypto'
import type { Logger } from 'estafet'
import { migrate } from 'estafet/postgres'
import { type Supervisor, supervise } from 'estafet/supervisor'
import pg from 'pg'
import { provisionDatabase } from '../../../engines/postgres/provision.ts'
import { type PostgresServer, startPostgres } from '../../../engines/postgres/server.ts'
import { migrateService } from './migrations.ts'
import type { ProcessSettings } from './service-process.ts'

export const serviceNames = ['orders', 'inventory', 'payments', 'notifications'] as const
export type ServiceName = (typeof serviceNames)[number]

/** Who subscribes to whom: the only relations between the services. */
const reads: Readonly<Record<ServiceName, readonly ServiceName[]>> = {
  orders: ['inventory', 'payments'],
  inventory: ['orders'],
  payments: ['orders'],
  notifications: ['orders', 'payments'],
}

/** The shop, running: a database server and a process for each service. */
export interface System {
  readonly supervisor: Supervisor
  readonly server: PostgresServer
  /** As the superuser of one service's database: for whoever audits from outside. */
  adminUrl(service: ServiceName): string
  stop(): Promise<void>
}

/** Starts the shop on a PostgreSQL in `home`, with databases that are new and empty. */
export async function startSystem(
  home: string,
  options: { readonly logger: Logger; readonly quiet: boolean },
): Promise<System> {
  const server = await startPostgres({
    home,
    restart: true,
    onExit: (restarting) => {
      if (restarting) options.logger.warn('PostgreSQL ended and is started again')
    },
  })
  try {
    const passwords = Object.fromEntries(serviceNames.map((name) => [name, randomBytes(24).toString('base64url')]))
    await clear(server.adminUrl)
    for (const name of serviceNames) await prepare(server, name, passwords)
    const supervisor = supervise({
      logger: options.logger,
      processes: serviceNames.map((name) => ({
        name,
        module: new URL(`../${name}/main.ts`, import.meta.url),
        env: { SHOP_SERVICE: JSON.stringify(settingsOf(server, name, passwords, options.quiet)) },
      })),
    })
    const stop = async (): Promise<void> => {
      await supervisor.stop()
      await server.stop()
    }
    return { supervisor, server, adminUrl: (name) => withDatabase(server.adminUrl, name), stop }
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function clear(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    for (const name of serviceNames) {
      await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`)
    }
  } finally {
    await client.end()
  }
}

async function prepare(server: PostgresServer, name: ServiceName, passwords: Record<string, string>): Promise<void> {
  const owner = { name: `${name}_owner`, password: randomBytes(24).toString('base64url') }
  const readers = serviceNames.filter((other) => reads[other].includes(name))
  const logins = [name, ...readers].map((login) => ({ name: login, password: passwords[login] ?? '' }))
  await provisionDatabase(server.adminUrl, { database: name, owner, logins })
  const client = new pg.Client({ connectionString: server.url(name, owner.name, owner.password) })
  await client.connect()
  try {
    await migrate(client, { services: [name], readers })
    await migrateService(client, name)
    const login = client.escapeIdentifier(name)
    await client.query(`GRANT USAGE ON SCHEMA public TO ${login}`)
    await client.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${login}`)
  } finally {
    await client.end()
  }
}

function settingsOf(
  server: PostgresServer,
  name: ServiceName,
  passwords: Record<string, string>,
  quiet: boolean,
): ProcessSettings {
  const url = (database: string): string => server.url(database, name, passwords[name] ?? '')
  return { database: url(name), sources: Object.fromEntries(reads[name].map((source) => [source, url(source)])), quiet }
}

function withDatabase(adminUrl: string, database: string): string {
  const url = new URL(adminUrl)
  url.pathname = `/${database}`
  return url.href
}
