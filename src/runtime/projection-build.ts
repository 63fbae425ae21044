import type { Handler } from '../delivery/handler.ts'
import { EstafetError } from '../message/errors.ts'
import { logFeed } from '../outbox/log-feed.ts'
import { readAhead } from '../outbox/read-ahead.ts'
import type { Feed } from '../ports/feed.ts'
import type { Logger } from '../ports/logger.ts'
import type { BuildRef, ProjectionReports } from '../ports/projections.ts'
import type { WakeUp } from '../ports/wake-up.ts'
import { subscriptionOf, suffixOf, tableNames } from '../projection/build.ts'
import { handlersOf, type Projection } from '../projection/projection.ts'
import { type FeedRunner, runFeed } from './feed-runner.ts'
import { inboxOf } from './inbox-work.ts'
import { stoppingWork, type WorkCounters } from './projection-work.ts'
import { type ReadingOptions, readingOf, type World } from './running.ts'
import type { FeedSource, LogSource } from './start.ts'
import type { Store } from './store.ts'
import { turns } from './turns.ts'

/** A feed that a projection reads, with the handlers for what comes from it. */
export interface ProjectionSource {
  readonly isOwn: boolean
  readonly feed: (lanes: number, streams: readonly string[] | null, topics: readonly string[]) => Feed
  readonly wakeUp: WakeUp
}

/** The service's own events, under a name that its log of messages does not have. */
export function eventsFeedName(events: LogSource): string {
  return `events:${events.log.source}`
}

/** Positions looked at in one step: a new build begins at the first of them all, and has as many steps to make as there are. */
const scanLimit = 10_000

/** One wake-up for all builds that read a source; each would keep a connection. */
export function sourceOf(source: LogSource | FeedSource, isOwn: boolean): ProjectionSource {
  const wakeUp = source.wakeUp()
  if ('feed' in source) return { isOwn, wakeUp, feed: () => source.feed }
  return {
    isOwn,
    wakeUp,
    feed(lanes, streams, topics) {
      const only = isOwn ? streams : topics
      // A page is read while the one before it is folded: to build anew is mostly to read.
      const feed = readAhead(logFeed(source.log, { lanes, scanLimit, ...(only === null ? {} : { topics: only }) }))
      return isOwn ? { ...feed, name: eventsFeedName(source) } : feed
    },
  }
}

export interface BuildParts<Tx> {
  readonly store: Store<Tx>
  readonly reports: ProjectionReports
  readonly sources: readonly ProjectionSource[]
  readonly logger: Logger
  readonly world: World
  readonly options: ReadingOptions
  /** Of all builds of the process. */
  readonly totals: WorkCounters & { parked: number }
}

/** One build at work in this process. */
export interface RunningBuild extends BuildRef {
  readonly runners: readonly FeedRunner[]
  /** Tells how fast each feed goes, and where those end that are not the service's own. */
  tell(): Promise<void>
  stop(drainMs: number): Promise<void>
}

/** Keeps one build flowing, with the loops of a subscription: the same for catching up and for following. */
export function runBuild<Tx>(of: Projection<Tx>, ref: BuildRef, parts: BuildParts<Tx>): RunningBuild {
  const { store, reports, logger, world, options, totals } = parts
  const subscription = subscriptionOf(of.name, ref)
  const table = tableNames(of.tables, suffixOf(ref))
  const reading = readingOf(subscription, of.batchSize, { ...options, startAt: 'beginning' }, world)
  const feeds = parts.sources.flatMap((source) => {
    const handlers = handlersOf(of, table, source.isOwn ? 'events' : 'topics')
    return handlers.length === 0 ? [] : [feedOf(source, handlers)]
  })
  let toldAt = world.clock.now()

  function feedOf(source: ProjectionSource, handlers: readonly Handler<Tx>[]) {
    const topics = [...new Set(handlers.map(({ topic }) => topic))]
    const feed = source.feed(of.lanes, of.streams, topics)
    const counters = { applied: 0, duplicates: 0, retried: 0, parked: 0 }
    const service = { name: subscription, handlers, onDeadLetter: null }
    const inbox = inboxOf(service, { ...options, store }, reading, { logger, world, counters, turns: turns() })
    const notes = {
      stopped: (stop: Parameters<ProjectionReports['stopped']>[2]) => reports.stopped(of.name, ref, stop),
      moved: (lane: Parameters<ProjectionReports['moved']>[2]) => reports.moved(of.name, ref, lane),
    }
    const delivering = {
      ...{ ...store, inbox: store.inbox ?? null, vault: store.vault ?? null, clock: world.clock, logger },
      handlers: Map.groupBy(handlers, ({ type }) => type),
    }
    const work = of.whenPoison === 'park' ? inbox.work : stoppingWork(delivering, notes, counters)
    const wakeUp: WakeUp = { wait: (ms, signal) => source.wakeUp.wait(ms, signal), close: () => Promise.resolve() }
    const runner = runFeed(
      // The loop beside also lets a person pause it.
      {
        feed,
        wakeUp,
        lanes: store.lanes,
        work,
        beside: (around) => inbox.retries(feed.name, around),
        logger,
        ...world,
      },
      reading,
    )
    return { feed, runner, counters, isOwn: source.isOwn, seen: { ...counters } }
  }

  return {
    ...ref,
    runners: feeds.map(({ runner }) => runner),
    async tell() {
      const seconds = (world.clock.now() - toldAt) / 1_000
      toldAt = world.clock.now()
      for (const { feed, counters, seen, isOwn } of feeds) {
        const applied = counters.applied - seen.applied
        for (const name of ['applied', 'duplicates', 'retried', 'parked'] as const) {
          totals[name] += counters[name] - seen[name]
          seen[name] = counters[name]
        }
        const { epoch } = await feed.open()
        // Not known while somebody who published has not ended: then the last word stands.
        const ends = isOwn ? null : await feed.ends().catch(() => null)
        const perSecond = applied > 0 && seconds > 0 ? applied / seconds : null
        await reports.progress(of.name, ref, { feed: feed.name, epoch, ends, perSecond })
      }
    },
    async stop(drainMs) {
      await Promise.all(feeds.map(({ runner }) => runner.stop(drainMs)))
    },
  }
}

/** Throws MISCONFIGURED when a projection handles what no source gives it. */
export function refuseSourceless<Tx>(of: Projection<Tx>, sources: readonly ProjectionSource[]): void {
  const faults = [
    ...(of.handlers.some(({ from }) => from === 'events') && !sources.some(({ isOwn }) => isOwn) ? ['events'] : []),
    ...(of.handlers.some(({ from }) => from === 'topics') && sources.every(({ isOwn }) => isOwn) ? ['sources'] : []),
  ]
  if (faults.length === 0) return
  throw new EstafetError('MISCONFIGURED', `The projection ${of.name} needs ${faults.join(' and ')} to read from.`)
}
