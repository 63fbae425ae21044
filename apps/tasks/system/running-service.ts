import {
  type EventType,
  type FeedSource,
  type Health,
  type Logger,
  type Running,
  type Service,
  start,
  startRelay,
} from 'estafet'
import { type ServedOps, serveOps } from 'estafet/ops'
import { type PostgresStore, postgres, postgresLog, type Sql } from 'estafet/postgres'
import type pg from 'pg'
import { taskEventsTopic } from '../analytics/messages.ts'
import { eventTopics } from '../messages.ts'
import type { Brokers } from './brokers.ts'
import { addressOf, connect, type DatabaseServer } from './database-server.ts'

/** A service with a PostgreSQL database of its own, running: its subscription, its relays, and its ops API. */
export interface RunningService {
  readonly service: Service<Sql>
  readonly pool: pg.Pool
  readonly store: PostgresStore
  readonly running: Running
  /** For the command line. */
  readonly ops: ServedOps
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
  const database = `team_${name}`
  const pool = connect(addressOf(server, database, database), logger)
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
    const relays = [
      await startRelay({
        ...reading,
        store,
        logger,
        source: source(),
        sink: brokers.events.sink(name),
        topics: eventTopics,
      }),
    ]
    started.push(...relays)
    if (name === 'tasks') {
      const sink = named(brokers.analytics.sink(name), 'analytics')
      const relay = await startRelay({ ...reading, store, logger, source: source(), sink, topics: [taskEventsTopic] })
      relays.push(relay)
      started.push(relay)
    }
    const ops = await serveOps({
      ...{ service, store, running, logger, version: '1', events },
      tokens: [{ name: 'tasks', role: 'admin', token: opsToken }],
    })
    started.push({ stop: () => ops.close() })
    return { service, pool, store, running, ops, stop, health: () => [running, ...relays].map((each) => each.health()) }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Both relays may send to one broker, and each keeps how far it is under the name of its sink. */
function named(sink: ReturnType<Brokers['events']['sink']>, prefix: string): typeof sink {
  return {
    name: `${prefix}-${sink.name}`,
    partitions: (topic) => sink.partitions(topic),
    send: (all) => sink.send(all),
  }
}

function sourcesOf(service: Service<Sql>, { events }: Brokers): readonly FeedSource[] {
  return [...new Set(service.handlers.map(({ topic }) => topic))].map((topic) => events.topic(topic, service.name))
}
