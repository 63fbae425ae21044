import { type Breaker, type BreakerOptions, breaker, standardBreaker } from '../delivery/breaker.ts'
import { type BatchParts, handleBatch } from '../inbox/handle-batch.ts'
import type { Clock } from '../ports/clock.ts'
import type { Lane } from '../ports/lane-store.ts'
import type { Logger } from '../ports/logger.ts'
import type { Around, FeedRunnerOptions } from './feed-runner.ts'
import type { LaneWork } from './lane-loop.ts'
import { downText, type ParkingLimits, type RetryLoop, retryLoop } from './retry-loop.ts'
import type { World } from './running.ts'
import type { Service } from './service.ts'
import type { Store } from './store.ts'
import type { Turns } from './turns.ts'
import type { Valve } from './valve.ts'

export interface InboxCounters {
  applied: number
  duplicates: number
  retried: number
  parked: number
}

/** One feed of a subscription: what its lanes do with what they fetch, and the loop for what they park. */
export interface Inbox {
  readonly work: LaneWork
  retries(feed: string, around: Around): RetryLoop
}

/** What `start` is told that concerns failures. */
export interface FailureOptions {
  /** Kept with each failed attempt, so that a fault can be told from a mended one. (Default: unknown.) */
  readonly version?: string
  /** When to pause because too much is parked. (Default: 1,000 keys, 10,000 messages.) */
  readonly parkingLimits?: ParkingLimits
  /** When many failing keys are taken for a dependency in trouble. */
  readonly breaker?: Partial<BreakerOptions>
  /** For how long applied, discarded and replaced messages that were dead letters once are kept. (Default: 30 days.) */
  readonly historyDays?: number
  /** For how long the ids that others give to their messages are kept: sent again after that, one counts as new. (Default: 30.) */
  readonly senderIdDays?: number
}

export interface InboxOptions<Tx> extends FailureOptions {
  readonly store: Pick<
    Store<Tx>,
    'unitOfWork' | 'lanes' | 'parking' | 'retries' | 'inbox' | 'prepare' | 'vault' | 'operations'
  >
}

export function inboxOf<Tx>(
  service: Pick<Service<Tx>, 'name' | 'handlers' | 'onDeadLetter'>,
  options: InboxOptions<Tx>,
  reading: Pick<FeedRunnerOptions, 'owner' | 'backOff' | 'leaseMs'>,
  around: {
    readonly logger: Logger
    readonly world: World
    readonly counters: InboxCounters
    readonly turns: Turns
  },
): Inbox {
  const { logger, world, counters, turns } = around
  let flow: Valve | null = null
  const { store } = options
  const quiet = breaker(world.clock, { ...standardBreaker, ...options.breaker })
  const down: Breaker = loud(quiet, logger, () => flow?.close(downText))
  const parts: BatchParts<Tx> = {
    ...{ ...store, ...world, logger, breaker: down },
    inbox: store.inbox ?? null,
    vault: store.vault ?? null,
    onDeadLetter: service.onDeadLetter,
    handlers: Map.groupBy(service.handlers, ({ type }) => type),
    by: { owner: reading.owner, serviceVersion: options.version ?? 'unknown' },
  }
  const jobs = peoplesJobs(service.name, options, world.clock)
  let nudge: () => void = () => {}
  return {
    work: inboxWork(parts, counters, turns, () => nudge()),
    retries(feed, { held, valve, stopping, abort }) {
      flow = valve
      const loop = retryLoop(
        feed,
        {
          ...{ ...parts, held, valve, counters, retries: store.retries, jobs, turns },
          limits: options.parkingLimits ?? { keys: 1_000, messages: 10_000 },
          heldMs: reading.leaseMs + longestMs(parts.handlers),
          lookMs: Math.min(1_000, reading.leaseMs),
          backOff: reading.backOff,
        },
        stopping,
        abort,
      )
      nudge = loop.nudge
      return loop
    },
  }
}

const pruneEveryMs = 3_600_000

/** Takes the next step of redrives, and now and then removes what is over and old. */
function peoplesJobs<Tx>(service: string, options: InboxOptions<Tx>, clock: Clock): () => Promise<boolean> {
  const { operations, inbox } = options.store
  const { historyDays = 30, senderIdDays = 30 } = options
  let prunedAt = Number.NEGATIVE_INFINITY
  return async () => {
    if (clock.now() - prunedAt >= pruneEveryMs) {
      prunedAt = clock.now()
      await operations?.decisions.prune(service, historyDays, 'retention')
      await inbox?.forget(service, senderIdDays)
    }
    return (await operations?.redrives.step(service)) ?? false
  }
}

/** Handlers of one type run one after the other. */
function longestMs<Tx>(handlers: BatchParts<Tx>['handlers']): number {
  const sums = [...handlers.values()].map((all) => all.reduce((sum, { timeoutMs }) => sum + timeoutMs, 0))
  return Math.max(0, ...sums)
}

/** What a lane's loop does for a subscription: hands batches to the handlers, parks what fails, and counts. */
export function inboxWork<Tx>(
  parts: BatchParts<Tx>,
  counters: InboxCounters,
  turns: Turns,
  parkedSome: () => void,
): LaneWork {
  const known = new Map<number, { readonly fence: bigint; readonly keys: Set<string> }>()

  /** While it holds a lane, only this process parks keys of it: what it once read stays complete. */
  async function parkedKeys(lane: Lane): Promise<Set<string>> {
    const held = known.get(lane.index)
    if (held?.fence === lane.fence) return held.keys
    const keys = new Set(await parts.parking.keys(lane))
    known.set(lane.index, { fence: lane.fence, keys })
    return keys
  }

  return {
    async handle(lane, fetched, signal) {
      const keys = await parkedKeys(lane)
      const outcome = await turns.batch(() => handleBatch(parts, lane, fetched, keys, signal))
      counters.applied += outcome.applied
      counters.duplicates += outcome.duplicates
      counters.parked += outcome.parked
      if (outcome.parked > 0) parkedSome()
      if (outcome.failure !== null) counters.retried += 1
      return { lane: outcome.lane, failure: outcome.failure?.error ?? null }
    },
    async skip(lane, cursor) {
      const progress = { cursor, marks: lane.marks }
      await parts.unitOfWork.run((tx) => parts.lanes.save(tx, lane, progress))
      return { ...lane, ...progress, abandoned: 0 }
    },
  }
}

/** Says it when many keys fail at once, and when one succeeds again. */
function loud(quiet: Breaker, logger: Logger, opened: () => void): Breaker {
  return {
    get state() {
      return quiet.state
    },
    note(key, hasFailed) {
      const before = quiet.state
      quiet.note(key, hasFailed)
      if (before !== 'open' && quiet.state === 'open') {
        logger.error(`${downText}; nothing is given up until one succeeds`)
        opened()
      }
      if (before !== 'closed' && quiet.state === 'closed') logger.info('a message was handled again: all is well')
    },
  }
}
