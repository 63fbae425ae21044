import type { DatabaseServer } from '../../../engines/application/database-server.ts'
import { type ApplicationDatabase, migrateDatabases } from '../../../engines/application/databases.ts'
import { sqlFilesIn } from '../../../engines/application/own-migrations.ts'

const own = (service: string): ApplicationDatabase => ({
  name: `team_${service}`,
  logins: [`team_${service}`],
  roles: { services: [`team_${service}`], readers: [`team_${service}`] },
  files: sqlFilesIn(new URL(`../${service}/migrations/`, import.meta.url)),
})

/**
 * Each service has a database of its own, into which no other may log in. `team_broker` stands in for Redis and Kafka where
 * there are none. The prefix keeps them apart from those of other applications on the same server.
 */
const databases: readonly ApplicationDatabase[] = [
  ...['auth', 'tasks', 'notifications'].map(own),
  {
    name: 'team_broker',
    logins: ['team_auth', 'team_tasks', 'team_notifications', 'team_analytics'],
    roles: {
      relays: ['team_auth', 'team_tasks', 'team_notifications', 'team_analytics'],
      readers: ['team_tasks', 'team_notifications', 'team_analytics'],
    },
    files: [],
  },
]

/** Makes the databases and brings their schemas up to date. May be repeated; resolves to what was applied. */
export function migrateAll(server: DatabaseServer): Promise<readonly string[]> {
  return migrateDatabases(server, databases)
}
