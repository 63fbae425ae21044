import * as z from 'zod'
import { homeOf, port, postgresUrl, readSettings } from '../../../engines/application/settings.ts'

const settings = z.object({
  /** A PostgreSQL of yours, as a role that may create databases and roles. Left out: an embedded one. */
  POSTGRES_URL: postgresUrl,
  /** Of the HTTP interface. Left out: a free one. */
  PORT: port,
  /** Folder of the embedded PostgreSQL. */
  ORDERS_HOME: homeOf('orders'),
})
export type Settings = z.infer<typeof settings>

/** Reads the environment. Throws UnusableSettings. */
export function settingsOf(environment: NodeJS.ProcessEnv): Settings {
  return readSettings(settings, environment)
}
