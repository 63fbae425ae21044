import { type FeedSource, type Health, type Logger, start } from 'estafet'
import { type ServedOps, serveOps } from 'estafet/ops'
import { postgres } from 'estafet/postgres'
import type pg from 'pg'
import { GameFinished } from '../messages.ts'
import { placed } from './place.ts'
import { scoreboard } from './scoreboard.ts'

/** A consumer group that runs. */
export interface Group {
  /** Where the command line sees and steers it, dead letters included. */
  readonly ops: ServedOps
  health(): Health
  stop(): Promise<void>
}

/** Runs a consumer group. A new one reads the topic from the beginning; a known one goes on where it was. */
export async function runGroup(name: string, pool: pg.Pool, topic: FeedSource, logger: Logger): Promise<Group> {
  const [service, store] = [scoreboard(name), postgres(pool)]
  const running = await start(service, {
    ...{ store, sources: [placed(topic)], logger, backOff: { firstMs: 50, maxMs: 2_000 } },
    // Another Kafka, or PostgreSQL in its place, holds the same events: by their ids they take effect once all the same.
    newEpochAt: 'beginning',
  })
  const ops = await serveOps({ service, store, running, logger, version: '1', events: [GameFinished] })
  return { ops, health: () => running.health(), stop: () => ops.close().then(() => running.stop()) }
}
