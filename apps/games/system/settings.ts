import * as z from 'zod'
import { homeOf, port, postgresUrl, readSettings } from '../../../engines/application/settings.ts'

const settings = z.object({
  /** A PostgreSQL of yours, as a role that may create databases and roles. Left out: an embedded one. */
  POSTGRES_URL: postgresUrl,
  /** `host:port` of brokers, with commas between them. Left out: a Kafka that is installed here, else PostgreSQL. */
  KAFKA_BROKERS: z
    .string()
    .transform((text) => text.split(',').map((broker) => broker.trim()))
    .pipe(z.array(z.string().regex(/^[^\s:]+:\d+$/, 'must be host:port')))
    .default([]),
  /** Copies of each message in your Kafka. With 1, a lost disk loses messages. */
  KAFKA_REPLICAS: z.coerce.number().int().min(1).max(9).default(3),
  /** `postgres`: also where there is a Kafka. */
  BROKER: z.enum(['kafka', 'postgres']).default('kafka'),
  /** Of the web page. Left out: a free one. */
  PORT: port,
  /** Folder of the embedded PostgreSQL. */
  GAMES_HOME: homeOf('games'),
})
export type Settings = z.infer<typeof settings>

/** Reads the environment. Throws UnusableSettings. */
export function settingsOf(environment: NodeJS.ProcessEnv): Settings {
  return readSettings(settings, environment)
}
