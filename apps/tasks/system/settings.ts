import * as z from 'zod'
import { homeOf, port, postgresUrl, readSettings } from '../../../engines/application/settings.ts'

const list = z.string().transform((text) => text.split(',').map((item) => item.trim()))

const settings = z.object({
  /** A PostgreSQL of yours, as a role that may create databases and roles. Left out: an embedded one. */
  POSTGRES_URL: postgresUrl,
  /** Left out: a Redis of our own, where there is a redis-server. */
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  /** Settings of your Redis that can lose messages and are accepted: `no-aof`, `eviction`. */
  REDIS_ALLOW: list.pipe(z.array(z.enum(['no-aof', 'eviction']))).default([]),
  /** `host:port` of brokers, with commas between them. Left out: a Kafka that is installed here. */
  KAFKA_BROKERS: list.pipe(z.array(z.string().regex(/^[^\s:]+:\d+$/, 'must be host:port'))).default([]),
  /** Copies of each message in your Kafka. With 1, a lost disk loses messages. */
  KAFKA_REPLICAS: z.coerce.number().int().min(1).max(9).default(3),
  /** What carries the events between the services. Left out: Redis, else PostgreSQL. */
  EVENTS_BROKER: z.enum(['redis', 'kafka', 'postgres']).optional(),
  /** What carries the topic `task_events`. Left out: Kafka, else PostgreSQL. */
  ANALYTICS_BROKER: z.enum(['kafka', 'postgres']).optional(),
  /** Of the HTTP interface. Left out: a free one. */
  PORT: port,
  /** Folder of the embedded engines, the SQLite file and the secrets. */
  TASKS_HOME: homeOf('tasks'),
  /** The first administrator; made when there is none. Without a password one is generated and shown once. */
  ADMIN_EMAIL: z.email().max(254).toLowerCase().default('admin@example.com'),
  ADMIN_PASSWORD: z.string().min(12).max(200).optional(),
  /** How often one address may sign in or register. Behind a proxy all have its address: more, then. */
  SIGN_INS_PER_MINUTE: z.coerce.number().int().min(1).max(1_000_000).default(100),
  /** Where notifications are sent by POST. Left out: they are read at /api/notifications. */
  NOTIFY_WEBHOOK_URL: z
    .url({ protocol: /^https?$/ })
    // fetch sends to none of those.
    .refine((url) => new URL(url).username === '' && new URL(url).password === '', 'must have no name and no password')
    .optional(),
  NOTIFY_TIMEOUT_MS: z.coerce.number().int().min(10).max(60_000).default(5_000),
  /** An alert says that the dead letters grew by so many within so many seconds. */
  DLQ_ALERT_GROWTH: z.coerce.number().int().min(1).default(1),
  DLQ_ALERT_SECONDS: z.coerce.number().int().min(10).max(3_600).default(300),
})
export type Settings = z.infer<typeof settings>

/** Reads the environment. Throws UnusableSettings. */
export function settingsOf(environment: NodeJS.ProcessEnv): Settings {
  return readSettings(settings, environment)
}
