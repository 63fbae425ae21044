import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'

const settings = z.object({
  /** A PostgreSQL of yours, as a role that may create databases and roles. Left out: an embedded one. */
  POSTGRES_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .refine((url) => new URL(url).password !== '', 'must have a password: those of the services follow from it')
    .optional(),
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
  PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  /** Folder of the embedded PostgreSQL. */
  GAMES_HOME: z
    .string()
    .min(1)
    // npm changes the working directory, and says which one it was called in.
    .transform((path) => resolve(process.env['INIT_CWD'] ?? process.cwd(), path))
    .default(fileURLToPath(new URL('../../../.estafet/games/', import.meta.url))),
})
export type Settings = z.infer<typeof settings>

/** Environment that cannot be followed; the message names the variables. */
export class UnusableSettings extends Error {}

/** Reads the environment. Throws UnusableSettings. */
export function settingsOf(environment: NodeJS.ProcessEnv): Settings {
  const read = settings.safeParse(environment)
  if (read.success) return read.data
  throw new UnusableSettings(
    read.error.issues.map(({ path, message }) => `${path[0]?.toString()}: ${message}`).join('\n'),
  )
}
