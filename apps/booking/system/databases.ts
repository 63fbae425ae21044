import pg from 'pg'
import { addressOf, type DatabaseServer } from '../../../engines/application/database-server.ts'
import { migrateDatabases } from '../../../engines/application/databases.ts'
import { sqlFilesIn } from '../../../engines/application/own-migrations.ts'
import type { PostgresServer } from '../../../engines/postgres/server.ts'
import { type ServiceName, serviceNames, subscribesTo } from './services.ts'

/** How a service's process reaches its own database and the logs that it reads. */
export interface DatabaseAccess {
  readonly database: string
  /** By name of the service whose log is read. */
  readonly sources: Readonly<Record<string, string>>
}

/** Makes a new and empty database for each service, with an owner that migrates and a role that may do only its work. */
export async function freshDatabases(embedded: PostgresServer): Promise<(service: ServiceName) => DatabaseAccess> {
  await dropAll(embedded.adminUrl)
  const { adminUrl, major } = embedded
  const server: DatabaseServer = {
    ...{ says: `PostgreSQL ${major}`, application: 'booking', adminUrl, stop: () => embedded.stop() },
  }
  await migrateDatabases(
    server,
    serviceNames.map((name) => {
      const readers = serviceNames.filter((other) => subscribesTo[other].includes(name))
      const files = sqlFilesIn(new URL(`../${name}/migrations/`, import.meta.url))
      return { name, logins: [name, ...readers], roles: { services: [name], readers }, files }
    }),
  )
  return (name) => ({
    database: addressOf(server, name, name),
    sources: Object.fromEntries(subscribesTo[name].map((source) => [source, addressOf(server, source, name)])),
  })
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

/** The superuser's way into one service's database: for whoever audits from outside. */
export function auditUrl(adminUrl: string, service: ServiceName): string {
  const url = new URL(adminUrl)
  url.pathname = `/${service}`
  return url.href
}
