import type { FeedSource, Logger, Sink } from 'estafet'
import { postgresSink, postgresTopic } from 'estafet/postgres'
import type pg from 'pg'
import { addressOf, connect, type DatabaseServer } from '../../../engines/application/database-server.ts'

/** Where relays put messages, and where services find them. */
export interface Broker {
  readonly kind: 'redis' | 'kafka' | 'postgres'
  /** For people: which one it is, and why. */
  readonly says: string
  /** For the relay of a service. */
  sink(service: string): Sink
  /** A topic, for one reader. `group` is what the broker's own tools will show. */
  topic(name: string, service: string, group?: string): FeedSource
  stop(): Promise<void>
}

/** PostgreSQL as the broker: a database of its own, which each service enters by its own role. */
export function postgresBroker(server: DatabaseServer, logger: Logger, why: string): Broker {
  const pools = new Map<string, pg.Pool>()
  const poolOf = (service: string): pg.Pool => {
    const pool = pools.get(service) ?? connect(addressOf(server, 'team_broker', `team_${service}`), logger)
    pools.set(service, pool)
    return pool
  }
  return {
    kind: 'postgres',
    says: `PostgreSQL (${why})`,
    sink: (service) => postgresSink(poolOf(service), { name: 'postgres', partitions: 2 }),
    topic: (name, service) => postgresTopic(poolOf(service), name),
    stop: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.end()))
    },
  }
}
