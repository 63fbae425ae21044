import { logFeed } from '../outbox/log-feed.ts'
import { readAhead } from '../outbox/read-ahead.ts'
import { relay } from '../outbox/relay.ts'
import type { Fetched } from '../ports/feed.ts'
import type { Lane } from '../ports/lane-store.ts'
import type { Logger } from '../ports/logger.ts'
import type { Sink } from '../ports/sink.ts'
import { runFeed } from './feed-runner.ts'
import { logger as makeLogger } from './logger.ts'
import { type ReadingOptions, type Running, readingOf, runningOf, worldOf } from './running.ts'
import { type LogSource, refuseUnreadable } from './start.ts'
import type { Store } from './store.ts'

export interface RelayOptions<Tx> extends ReadingOptions {
  /** Whose log is relayed, and whose database keeps how far the relay got. */
  readonly source: LogSource
  readonly store: Pick<Store<Tx>, 'unitOfWork' | 'lanes'>
  readonly sink: Sink
  /**
   * Only these topics of the log: several relays with sinks of different names may share one log. A topic that is added
   * later begins with what is published then. (Default: all.)
   */
  readonly topics?: readonly string[]
  readonly logger?: Logger
  /** Messages sent at once, at most. (Default: 500.) */
  readonly batchSize?: number
}

/** With a backlog: what a relay that dies sends again at most, and how seldom its progress costs a commit. */
const saveEveryMs = 100

/**
 * Sends a log's messages to a broker, in order, until `stop`.
 *
 * Start as many as you like: one works, and another takes over when it has not been heard of for `leaseMs`. A message may
 * be sent twice, with the same id and chain, and subscribers drop the second. Trouble with the broker is waited out.
 */
export async function startRelay<Tx>(options: RelayOptions<Tx>): Promise<Running> {
  const { source, store, sink } = options
  const world = worldOf(options)
  const logger = options.logger ?? makeLogger({ service: `${source.log.source}-relay` })
  const counters = { applied: 0, duplicates: 0, retried: 0, parked: 0 }
  // One lane: the order of the log is the order of every key.
  const feed = readAhead(
    logFeed(source.log, { lanes: 1, ...(options.topics === undefined ? {} : { topics: options.topics }) }),
  )
  await refuseUnreadable(feed, world.clock)
  const subscription = `relay:${sink.name}`
  const reading = readingOf(subscription, options.batchSize ?? 500, options, world)
  const work = {
    async handle(lane: Lane, fetched: Fetched, signal: AbortSignal) {
      const saveAt = world.clock.now() + saveEveryMs
      const relayed = await relay({ ...store, sink }, lane, fetched, {
        next: (after) => feed.fetch(lane.index, after, reading.batchSize),
        isTime: () => signal.aborted || world.clock.now() >= saveAt,
      })
      counters.applied += relayed.sent
      return relayed
    },
    async skip(lane: Lane, cursor: bigint) {
      return (await relay({ ...store, sink }, lane, { deliveries: [], cursor, hasMore: false })).lane
    },
  }
  const runner = runFeed({ feed, wakeUp: source.wakeUp(), lanes: store.lanes, work, logger, ...world }, reading)
  logger.info('started', { sink: sink.name })
  return runningOf({ subscription, runners: [runner], counters, logger, close: async () => {} })
}
