import { type EventType, type FeedSource, type Health, type Logger, type Running, type Service, start } from 'estafet'
import { type ServedOps, serveOps } from 'estafet/ops'
import { type PostgresStore, postgres, postgresLog, type Sql } from 'estafet/postgres'
import type pg from 'pg'
import { addressOf, connect, type DatabaseServer } from '../../../engines/application/database-server.ts'
import type { Subject } from '../admin/subject.ts'
import { subjectOf } from '../admin/subject-of.ts'
import type { Brokers } from './brokers.ts'
import { startRelays } from './relays.ts'

/** A service with a PostgreSQL database of its own, running: its subscription, its relays, and its ops API. */
export interface RunningService {
  readonly pool: pg.Pool
  readonly store: PostgresStore
  /** For the command line. */
  readonly ops: ServedOps
  /** For administrators. */
  readonly subject: Subject
  health(): readonly Health[]
  stop(): Promise<void>
}

export interface RunOptions {
  readonly server: DatabaseServer
  readonly brokers: Brokers
  readonly logger: Logger
  /** What it publishes and handles; for the masks of the ops API. */
  readonly events: readonly EventType<never, unknown>[]
  /** For whoever sees and steers the services by the command line. */
  readonly opsToken: string
}

/** How services read: what failed for want of a database or a broker is tried again soon. */
export const reading = { backOff: { firstMs: 50, maxMs: 2_000 } }

/** Runs a service. Of all the databases it is given its own, and of the rest of the system the broker. */
export async function runService(service: Service<Sql>, options: RunOptions): Promise<RunningService> {
  const { server, brokers, logger, events, opsToken } = options
  const { name } = service
  const pool = connect(addressOf(server, `team_${name}`, `team_${name}`), logger)
  const store = postgres(pool)
  const started: { stop(): Promise<void> }[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(started.splice(0).map((each) => each.stop()))
    await pool.end()
  }
  try {
    const running = await start(service, {
      ...{ store, logger, ...reading, sources: sourcesOf(service, brokers) },
      // Another broker, or a new one, holds the same events: by their ids they take effect once all the same.
      newEpochAt: 'beginning',
    })
    started.push(running)
    const source = () => postgresLog(pool, { source: name })
    const relays = await startRelays(service, { store, source, brokers, logger, ...reading })
    started.push(...relays)
    const parts = { service, store, running, logger, events }
    const ops = await serveOps({ ...parts, version: '1', tokens: [{ name: 'tasks', role: 'admin', token: opsToken }] })
    started.push({ stop: () => ops.close() })
    const subject = subjectOf({ ...parts, relays })
    const health = (): readonly Health[] => [running, ...relays].map((each: Running) => each.health())
    return { pool, store, ops, subject, health, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function sourcesOf(service: Service<Sql>, { events }: Brokers): readonly FeedSource[] {
  return [...new Set(service.handlers.map(({ topic }) => topic))].map((topic) => events.topic(topic, service.name))
}
