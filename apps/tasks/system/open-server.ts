import { type DatabaseServer, openServer as open } from '../../../engines/application/database-server.ts'
import type { Settings } from './settings.ts'

/** The server of POSTGRES_URL, else an embedded one on TASKS_HOME. Throws UnusableSettings. */
export function openServer(settings: Pick<Settings, 'POSTGRES_URL' | 'TASKS_HOME'>): Promise<DatabaseServer> {
  return open({
    ...{ application: 'tasks', url: settings.POSTGRES_URL, home: settings.TASKS_HOME, homeVariable: 'TASKS_HOME' },
    // The file of analytics is in it, whatever the server is.
    alwaysHoldsHome: true,
  })
}
