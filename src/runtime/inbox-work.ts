import { type Breaker, breaker } from '../delivery/breaker.ts'
import { type BatchParts, handleBatch } from '../inbox/handle-batch.ts'
import type { Lane } from '../ports/lane-store.ts'
import type { Logger } from '../ports/logger.ts'
import type { Around, FeedRunnerOptions } from './feed-runner.ts'
import type { LaneWork } from './lane-loop.ts'
import { type RetryLoop, retryLoop } from './retry-loop.ts'
import type { World } from './running.ts'
import type { Service } from './service.ts'
import type { StartOptions, Store } from './start.ts'

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
export type InboxOptions<Tx> = Pick<StartOptions<Tx>, 'version' | 'parkingLimits' | 'breaker'> & {
  readonly store: Pick<Store<Tx>, 'unitOfWork' | 'lanes' | 'parking' | 'retries' | 'prepare' | 'operations'>
}

export function inboxOf<Tx>(
  service: Pick<Service<Tx>, 'name' | 'handlers'>,
  options: InboxOptions<Tx>,
  reading: Pick<FeedRunnerOptions, 'owner' | 'backOff' | 'leaseMs'>,
  around: { readonly logger: Logger; readonly world: World; readonly counters: InboxCounters },
): Inbox {
  const { logger, world, counters } = around
  const { store } = options
  const down: Breaker = loud(breaker(options.breaker), logger)
  const parts: BatchParts<Tx> = {
    ...{ ...store, ...world, logger, breaker: down },
    handlers: Map.groupBy(service.handlers, ({ type }) => type),
    by: { owner: reading.owner, serviceVersion: options.version ?? 'unknown' },
  }
  const jobs = (): Promise<boolean> => store.operations?.redrives.step(service.name) ?? Promise.resolve(false)
  let nudge: () => void = () => {}
  return {
    work: inboxWork(parts, counters, () => nudge()),
    retries(feed, { held, valve, stopping, abort }) {
      const loop = retryLoop(
        feed,
        {
          ...{ ...parts, held, valve, counters, retries: store.retries, jobs },
          limits: options.parkingLimits ?? { keys: 1_000, messages: 10_000 },
          heldMs: reading.leaseMs + Math.max(0, ...service.handlers.map(({ timeoutMs }) => timeoutMs)),
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

/** What a lane's loop does for a subscription: hands batches to the handlers, parks what fails, and counts. */
export function inboxWork<Tx>(parts: BatchParts<Tx>, counters: InboxCounters, parkedSome: () => void): LaneWork {
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
      const outcome = await handleBatch(parts, lane, fetched, await parkedKeys(lane), signal)
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

/** Says it when many keys fail at once, and when the first succeeds again. */
function loud(quiet: Breaker, logger: Logger): Breaker {
  return {
    get isOpen() {
      return quiet.isOpen
    },
    note(key, hasFailed) {
      const before = quiet.isOpen
      quiet.note(key, hasFailed)
      if (!before && quiet.isOpen) {
        logger.error('many keys fail: a dependency seems to be down, so nothing is given up until one succeeds')
      }
      if (before && !quiet.isOpen) logger.info('a message was handled again: the breaker is closed')
    },
  }
}
