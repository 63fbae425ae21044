import { type DatabaseServer, openServer as open } from '../../../engines/application/database-server.ts'
import type { Settings } from './settings.ts'

/** The server of POSTGRES_URL, else an embedded one on GAMES_HOME. Throws UnusableSettings. */
export function openServer(settings: Pick<Settings, 'POSTGRES_URL' | 'GAMES_HOME'>): Promise<DatabaseServer> {
  return open({
    ...{ application: 'games', url: settings.POSTGRES_URL, home: settings.GAMES_HOME, homeVariable: 'GAMES_HOME' },
  })
}
