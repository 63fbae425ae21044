import type { DatabaseServer } from '../../../engines/application/database-server.ts'
import { type ApplicationDatabase, migrateDatabases } from '../../../engines/application/databases.ts'
import { type SqlFile, sqlFilesIn } from '../../../engines/application/own-migrations.ts'

export type ServiceName = 'users' | 'catalog' | 'inventory' | 'orders'

const own = (name: ServiceName, readers: readonly ServiceName[] = []): ApplicationDatabase => ({
  name: databaseOf(name),
  logins: [name, ...readers].map(databaseOf),
  roles: { services: [databaseOf(name)], readers: readers.map(databaseOf) },
  files: migrationsOf(name),
})

/** Makes the databases and brings their schemas up to date. May be repeated; resolves to what was applied. */
export function migrateAll(server: DatabaseServer): Promise<readonly string[]> {
  // Each service has a database of its own; others may read its log of messages, and nothing else.
  return migrateDatabases(server, [
    ...[own('users', ['orders']), own('catalog', ['orders'])],
    ...[own('inventory'), own('orders')],
  ])
}

/** The name of a service's database, and of its role. */
export function databaseOf(name: ServiceName): string {
  return `orders_${name}`
}

/** The SQL files of a folder of the application, in their order. */
export function migrationsOf(part: string): readonly SqlFile[] {
  return sqlFilesIn(new URL(`../${part}/migrations/`, import.meta.url))
}
