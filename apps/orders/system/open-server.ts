import { type DatabaseServer, openServer as open } from '../../../engines/application/database-server.ts'
import type { Settings } from './settings.ts'

/** The server of POSTGRES_URL, else an embedded one on ORDERS_HOME. Throws UnusableSettings. */
export function openServer(settings: Pick<Settings, 'POSTGRES_URL' | 'ORDERS_HOME'>): Promise<DatabaseServer> {
  return open({
    ...{ application: 'orders', url: settings.POSTGRES_URL, home: settings.ORDERS_HOME, homeVariable: 'ORDERS_HOME' },
  })
}
