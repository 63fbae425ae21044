import type { Handler } from '../delivery/handler.ts'
import { budgetText, ruleFor } from '../delivery/retry-policy.ts'
import { EstafetError } from '../message/errors.ts'
import { logFeed } from '../outbox/log-feed.ts'
import type { Clock } from '../ports/clock.ts'
import type { Feed } from '../ports/feed.ts'
import type { Log } from '../ports/log.ts'
import type { Logger } from '../ports/logger.ts'
import type { WakeUp } from '../ports/wake-up.ts'
import { type Around, runFeed } from './feed-runner.ts'
import { type FailureOptions, inboxOf } from './inbox-work.ts'
import { logger as makeLogger } from './logger.ts'
import type { RetryLoop } from './retry-loop.ts'
import { type ParkedLoad, type ReadingOptions, type Running, readingOf, runningOf, worldOf } from './running.ts'
import type { Service } from './service.ts'
import type { Store } from './store.ts'
import { turns } from './turns.ts'

/** A log that somebody can read. */
export interface LogSource {
  readonly log: Log
  readonly wakeUp: () => WakeUp
}

/** A topic of a broker that somebody can read. */
export interface FeedSource {
  readonly feed: Feed
  readonly wakeUp: () => WakeUp
}

export interface StartOptions<Tx> extends ReadingOptions, FailureOptions {
  readonly store: Store<Tx>
  /** Where the events that the service handles come from. */
  readonly sources?: readonly (LogSource | FeedSource)[]
  readonly logger?: Logger
}

/**
 * Runs a service's subscriptions in this process until `stop`.
 *
 * Several processes may run the same service: they share its lanes. Throws what a source says that can never be read
 * (MISCONFIGURED, EPOCH_CHANGED); a source that cannot be reached yet is waited for.
 */
export async function start<Tx>(service: Service<Tx>, options: StartOptions<Tx>): Promise<Running> {
  const world = worldOf(options)
  const logger = options.logger ?? makeLogger({ service: service.name })
  const counters = { applied: 0, duplicates: 0, retried: 0, parked: 0 }
  const sources = service.handlers.length === 0 ? [] : (options.sources ?? [])
  if (service.handlers.length > 0 && sources.length === 0) {
    throw new EstafetError('MISCONFIGURED', `The service ${service.name} has handlers and no source to read from.`)
  }
  const topics = [...new Set(service.handlers.map(({ topic }) => topic))]
  const feeds = sources.map((source) => ({ feed: feedOf(source, topics, service.lanes), wakeUp: source.wakeUp }))
  await Promise.all(feeds.map(({ feed }) => refuseUnreadable(feed, world.clock)))
  const reading = readingOf(service.name, service.batchSize, options, world)
  const budgets = service.handlers.map((handler) => ({ handler: handler.name, tries: budgetOf(handler) }))
  const inTurns = turns()
  const loads: Record<string, () => ParkedLoad> = {}
  const runners = feeds.map(({ feed, wakeUp }) => {
    const inbox = inboxOf(service, options, reading, { logger, world, counters, turns: inTurns })
    const beside = (around: Around): RetryLoop => {
      const loop = inbox.retries(feed.name, around)
      loads[feed.name] = loop.load
      return loop
    }
    const parts = { feed, wakeUp: wakeUp(), lanes: options.store.lanes, work: inbox.work, beside, logger, ...world }
    return runFeed(parts, reading)
  })
  const announcer = options.store.announcer()
  logger.info('started', { feeds: runners.length, handlers: service.handlers.length })
  // How often and how long each handler tries: what a person will ask when something has failed.
  for (const budget of budgets) logger.info('handler', budget)
  const parked = (): Readonly<Record<string, ParkedLoad>> =>
    Object.fromEntries(Object.entries(loads).map(([feed, load]) => [feed, load()]))
  return runningOf({ subscription: service.name, runners, counters, parked, logger, close: () => announcer.close() })
}

function budgetOf<Tx>(handler: Handler<Tx>): string {
  return budgetText(ruleFor(handler.rules, new Error()))
}

/** How long a start waits for a source that does not answer. */
const openingMs = 500

/**
 * Lets what can never be read fail the start; what cannot be reached yet may come. A source that does not answer is not
 * waited for: the service has other things to do than to read it.
 */
export async function refuseUnreadable(feed: Feed, clock: Clock): Promise<void> {
  const opened = new AbortController()
  const opening = feed.open()
  // One that fails after its time has nobody to tell.
  opening.catch(() => {})
  try {
    await Promise.race([opening, clock.sleep(openingMs, opened.signal)])
  } catch (error) {
    if (error instanceof EstafetError && error.retry === 'never') throw error
  } finally {
    opened.abort()
  }
}

function feedOf(source: LogSource | FeedSource, topics: readonly string[], lanes: number): Feed {
  return 'feed' in source ? source.feed : logFeed(source.log, { lanes, topics })
}
