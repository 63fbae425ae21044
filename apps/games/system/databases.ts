import type { DatabaseServer } from '../../../engines/application/database-server.ts'
import { type ApplicationDatabase, migrateDatabases } from '../../../engines/application/databases.ts'
import { sqlFilesIn } from '../../../engines/application/own-migrations.ts'

const filesOf = (service: string) => sqlFilesIn(new URL(`../${service}/migrations/`, import.meta.url))

/** Each service has a database of its own. `broker` stands in for Kafka where there is none. */
const databases: readonly ApplicationDatabase[] = [
  {
    ...{ name: 'games', logins: ['games', 'referee'], roles: { services: ['games'], readers: ['games'] } },
    files: filesOf('games'),
  },
  { name: 'scoreboard', logins: ['scoreboard'], roles: { services: ['scoreboard'] }, files: filesOf('scoreboard') },
  {
    ...{ name: 'broker', logins: ['games', 'scoreboard'], roles: { relays: ['games'], readers: ['scoreboard'] } },
    files: [],
  },
]

/** Makes the databases and brings their schemas up to date. May be repeated; resolves to what was applied. */
export function migrateAll(server: DatabaseServer): Promise<readonly string[]> {
  return migrateDatabases(server, databases)
}
