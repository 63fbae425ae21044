import { errorName } from '../delivery/failure.ts'
import { EstafetError } from '../message/errors.ts'
import type { Logger } from '../ports/logger.ts'
import type { BuildRecord, ProjectionBuilds, ProjectionReports } from '../ports/projections.ts'
import { isReady, suffixOf, tableNames } from '../projection/build.ts'
import type { Projection } from '../projection/projection.ts'
import { logger as makeLogger } from './logger.ts'
import { eventsFeedName, type RunningBuild, refuseSourceless, runBuild, sourceOf } from './projection-build.ts'
import { type Counters, type Health, type ReadingOptions, runningOf, worldOf } from './running.ts'
import type { FeedSource, LogSource } from './start.ts'
import type { Store } from './store.ts'

export interface ProjectionsOptions<Tx> extends Omit<ReadingOptions, 'startAt'> {
  /** The database of the read models: their rows and their progress commit together. */
  readonly store: Store<Tx>
  /** `projections(pool)` of the same database. */
  readonly projections: { readonly builds: ProjectionBuilds<Tx> & ProjectionReports }
  /** The service's own events. */
  readonly events?: LogSource
  /** Logs and topics of public messages. */
  readonly sources?: readonly (LogSource | FeedSource)[]
  readonly logger?: Logger
  /** How often it looks for builds that are wanted, ready or gone. (Default: 500.) */
  readonly lookMs?: number
}

export interface RunningProjections {
  health(): Health
  counters(): Counters
  /** Finishes what is under way within `drainMs` (default: 10 s), gives the lanes back, closes. May be repeated. */
  stop(drainMs?: number): Promise<void>
}

const tellEveryMs = 2_000

/**
 * Keeps read models up to date in this process until `stop`: sets up versions that are new, builds them beside what serves, and
 * switches when they have caught up. Start it in as many processes as you like.
 *
 * Throws MISCONFIGURED when a projection has no source for what it handles, or is there with other tables, lanes or streams.
 */
export async function startProjections<Tx>(
  of: readonly Projection<Tx>[],
  options: ProjectionsOptions<Tx>,
): Promise<RunningProjections> {
  const { store, events, sources = [], lookMs = 500 } = options
  const projections = options.projections.builds
  const world = worldOf(options)
  const logger = options.logger ?? makeLogger({ service: 'projections' })
  const read = [
    ...(events === undefined ? [] : [sourceOf(events, true)]),
    ...sources.map((source) => sourceOf(source, false)),
  ]
  const totals = { applied: 0, duplicates: 0, retried: 0, parked: 0 }
  // Events are not announced: the poll is what finds them.
  const pace = options.pace ?? { hotMs: 2, busyMs: 10, idleMs: 100 }
  const parts = { store, reports: projections, sources: read, logger, world, totals, options: { ...options, pace } }
  const builds = new Map<string, RunningBuild>()
  const stopping = new AbortController()
  let toldAt = world.clock.now()

  for (const each of of) {
    refuseSourceless(each, read)
    const readsEvents = each.handlers.some(({ from }) => from === 'events')
    const eventsFeed = readsEvents && events !== undefined ? eventsFeedName(events) : null
    const { name: projection, version, tables, lanes, streams } = each
    await projections.announce({ projection, version, tables, lanes, streams, eventsFeed })
  }

  /** What is to be done about a projection's builds now. Each step may be taken by any process, or again. */
  async function look(each: Projection<Tx>): Promise<void> {
    let all = await projections.of(each.name)
    const mine = (record: BuildRecord): boolean => record.version === each.version && !record.isInline
    for (const record of all.filter((one) => mine(one) && one.state === 'wanted')) await setUp(each, record)
    if (all.some(({ state }) => state === 'wanted')) all = await projections.of(each.name)
    const names = new Set<string>()
    for (const record of all.filter((one) => mine(one) && one.state !== 'wanted')) {
      const name = nameOf(each, record)
      names.add(name)
      if (!builds.has(name)) builds.set(name, runBuild(each, record, parts))
    }
    for (const [name, build] of builds) {
      if (!name.startsWith(`${each.name}:v${each.version}:`) || names.has(name)) continue
      logger.warn('a build is gone and is not worked on any more', { projection: each.name, build: suffixOf(build) })
      builds.delete(name)
      await build.stop(0)
    }
    if (each.promote !== 'when-caught-up') return
    const serving = all.find(({ state }) => state === 'serving') ?? null
    const ready = all.find((one) => mine(one) && isReady(one, serving))
    if (ready !== undefined) await promote(each, ready)
  }

  async function setUp(each: Projection<Tx>, record: BuildRecord): Promise<void> {
    const table = tableNames(each.tables, suffixOf(record))
    try {
      const isDone = await store.unitOfWork.run((tx) =>
        projections.begin(tx, each.name, record, () => each.setUp(tx, table)),
      )
      if (isDone) logger.info('a build was set up', { projection: each.name, build: suffixOf(record) })
    } catch (error) {
      await projections.refused(each.name, record, `its tables cannot be set up: ${saysOf(error)}`)
      throw error
    }
  }

  async function promote(each: Projection<Tx>, record: BuildRecord): Promise<void> {
    const table = tableNames(each.tables, suffixOf(record))
    const fields = { projection: each.name, build: suffixOf(record) }
    let faults: readonly string[] = []
    const outcome = await store.unitOfWork.run(async (tx) => {
      faults = await each.check(tx, table)
      if (faults.length > 0) return 'refused'
      const by = { who: 'estafet', reason: 'it had caught up', force: false }
      return projections.promote(tx, each.name, record, by)
    })
    if (outcome === 'done') logger.info('a build serves', fields)
    if (outcome !== 'refused') return
    logger.error('a build does not pass its check and does not serve', { ...fields, faults: faults.length })
    await projections.refused(each.name, record, faults.join('; ').slice(0, 1_000))
  }

  async function steer(): Promise<void> {
    while (!stopping.signal.aborted) {
      for (const each of of) {
        await look(each).catch((error: unknown) => {
          logger.warn('a projection could not be looked after and is tried again', {
            ...{ projection: each.name, error: errorName(error) },
          })
        })
      }
      if (world.clock.now() - toldAt >= tellEveryMs) {
        toldAt = world.clock.now()
        // For people: the next time will do.
        for (const build of builds.values()) await build.tell().catch(() => {})
      }
      await world.clock.sleep(lookMs, stopping.signal)
    }
  }

  const steering = steer()
  logger.info('started', { projections: of.length })
  const running = () =>
    runningOf({
      subscription: 'projections',
      runners: [...builds.values()].flatMap(({ runners }) => runners),
      counters: totals,
      logger,
      close: async () => void (await Promise.all(read.map(({ wakeUp }) => wakeUp.close()))),
    })
  let stopped: Promise<void> | null = null
  return {
    health: () => running().health(),
    counters: () => ({ ...totals }),
    stop(drainMs) {
      stopping.abort()
      stopped ??= steering.then(() => running().stop(drainMs))
      return stopped
    },
  }
}

function nameOf<Tx>(each: Projection<Tx>, { build }: BuildRecord): string {
  return `${each.name}:v${each.version}:${build}`
}

/** Of an error of a set-up, what can be shown to anybody. */
function saysOf(error: unknown): string {
  return error instanceof EstafetError ? error.message : errorName(error)
}
