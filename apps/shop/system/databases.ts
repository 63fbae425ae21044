import { randomBytes } from 'node:crypto'
import { migrate } from 'estafet/postgres'
import pg from 'pg'
import { provisionDatabase } from '../../../engines/postgres/provision.ts'
import type { PostgresServer } from '../../../engines/postgres/server.ts'
import { migrateService } from './migrations.ts'
import { type ServiceName, serviceNames, subscribesTo } from './services.ts'

/** How a service's process reaches its own database and the logs that it reads. */
export interface DatabaseAccess {
  readonly database: string
  /** By name of the service whose log is read. */
  readonly sources: Readonly<Record<string, string>>
}

/** Makes a new and empty database for each service, with an owner that migrates and a role that may do only its work. */
export async function freshDatabases(server: PostgresServer): Promise<Readonly<Record<ServiceName, DatabaseAccess>>> {
  const passwords = new Map<ServiceName, string>(serviceNames.map((name) => [name, newPassword()]))
  const url = (database: ServiceName, role: ServiceName): string =>
    server.url(database, role, passwords.get(role) ?? '')
  await dropAll(server.adminUrl)
  for (const name of serviceNames) await make(server, name, passwords)
  const access = (name: ServiceName): DatabaseAccess => ({
    database: url(name, name),
    sources: Object.fromEntries(subscribesTo[name].map((source) => [source, url(source, name)])),
  })
  return {
    orders: access('orders'),
    inventory: access('inventory'),
    payments: access('payments'),
    notifications: access('notifications'),
  }
}

/** The superuser's way into one service's database: for whoever audits from outside. */
export function auditUrl(server: PostgresServer, service: ServiceName): string {
  const url = new URL(server.adminUrl)
  url.pathname = `/${service}`
  return url.href
}

async function dropAll(adminUrl: string): Promise<void> {
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

async function make(
  server: PostgresServer,
  name: ServiceName,
  passwords: ReadonlyMap<ServiceName, string>,
): Promise<void> {
  const owner = { name: `${name}_owner`, password: newPassword() }
  const readers = serviceNames.filter((other) => subscribesTo[other].includes(name))
  const logins = [name, ...readers].map((login) => ({ name: login, password: passwords.get(login) ?? '' }))
  await provisionDatabase(server.adminUrl, { database: name, owner, logins })
  const client = new pg.Client({ connectionString: server.url(name, owner.name, owner.password) })
  await client.connect()
  try {
    await migrate(client, { services: [name], readers })
    await migrateService(client, name)
  } finally {
    await client.end()
  }
}

function newPassword(): string {
  return randomBytes(24).toString('base64url')
}
