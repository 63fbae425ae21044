import { hostname } from 'node:os'
import type { BackOff } from '../delivery/back-off.ts'
import type { PollPace } from '../delivery/poll-pace.ts'
import { uuidV7 } from '../message/uuid.ts'
import type { Clock } from '../ports/clock.ts'
import type { Feed } from '../ports/feed.ts'
import type { Logger } from '../ports/logger.ts'
import type { Random } from '../ports/random.ts'
import type { AgentReport } from './agent.ts'
import type { FeedRunner, FeedRunnerOptions } from './feed-runner.ts'
import { systemClock, systemRandom } from './world.ts'

/** How a process reads its feeds; every field has a default that suits a service. */
export interface ReadingOptions {
  /** Where a subscription begins that never ran. (Default: beginning.) */
  readonly startAt?: 'beginning' | 'now'
  /** Where to begin after a log began a new epoch; set it once somebody has decided. (Default: refuse.) */
  readonly newEpochAt?: 'refuse' | 'beginning' | 'now'
  /** After how long without a sign of life others take over a process's lanes. (Default: 10 s.) */
  readonly leaseMs?: number
  /** Waits between tries of what failed. (Default: 50 ms to 30 s.) */
  readonly backOff?: BackOff
  /** Waits between looks for news that nobody announced. (Default: 2 ms to 250 ms.) */
  readonly pace?: PollPace
  readonly clock?: Clock
  readonly random?: Random
}

export interface Counters {
  /** Messages that reached handlers' transactions which committed. */
  readonly applied: number
  /** Messages that came again and were dropped. */
  readonly duplicates: number
  /** Attempts at parked messages that failed. */
  readonly retried: number
  /** Messages that were put into the queues of their keys: those that failed, and those behind them. */
  readonly parked: number
}

/** How much waits in the queues of parked keys. */
export interface ParkedLoad {
  readonly keys: number
  readonly messages: number
  /** Of the messages, those that wait for a person. */
  readonly dead: number
}

export interface Health {
  /** False once a loop has ended for good: restart the process, after somebody has looked. */
  readonly live: boolean
  /** True when every loop works. */
  readonly ready: boolean
  /** Loops that have not got anything done for 30 s although they should. */
  readonly stalled: readonly AgentReport[]
  /** Feeds of which nothing is handed out now, and why: a person, too much that is parked, a dependency in trouble. */
  readonly paused: readonly { readonly feed: string; readonly because: string }[]
}

export interface Running {
  /** The name under which progress is kept. */
  readonly subscription: string
  /** What the process reads. */
  readonly feeds: readonly Feed[]
  /** What is parked, by feed, when this process last looked. */
  parked(): Readonly<Record<string, ParkedLoad>>
  health(): Health
  counters(): Counters
  /** Finishes what is under way within `drainMs` (default: 10 s), gives the lanes back, closes. May be repeated. */
  stop(drainMs?: number): Promise<void>
}

export interface World {
  readonly clock: Clock
  readonly random: Random
}

export function worldOf(options: ReadingOptions): World {
  return { clock: options.clock ?? systemClock, random: options.random ?? systemRandom }
}

/** Fills in the defaults. */
export function readingOf(
  subscription: string,
  batchSize: number,
  options: ReadingOptions,
  world: World,
): FeedRunnerOptions {
  return {
    subscription,
    batchSize,
    owner: `${hostname()}/${process.pid}/${uuidV7(world.clock.now(), world.random.bytes(10)).slice(-12)}`,
    startAt: options.startAt ?? 'beginning',
    newEpochAt: options.newEpochAt ?? 'refuse',
    leaseMs: options.leaseMs ?? 10_000,
    backOff: options.backOff ?? { firstMs: 50, maxMs: 30_000 },
    pace: options.pace ?? { hotMs: 2, busyMs: 10, idleMs: 250 },
  }
}

/** What the caller of `start` holds. */
export function runningOf(parts: {
  readonly subscription: string
  readonly parked?: () => Readonly<Record<string, ParkedLoad>>
  readonly runners: readonly FeedRunner[]
  readonly counters: Counters
  readonly close: () => Promise<void>
  readonly logger: Logger
}): Running {
  const { runners, counters, logger } = parts
  let stopped: Promise<void> | null = null
  return {
    subscription: parts.subscription,
    feeds: runners.map(({ feed }) => feed),
    parked: () => parts.parked?.() ?? {},
    health: () => healthOf(runners),
    counters: () => ({ ...counters }),
    stop(drainMs = 10_000) {
      stopped ??= Promise.all(runners.map((runner) => runner.stop(drainMs)))
        .then(parts.close)
        .then(() => logger.info('stopped', { ...counters }))
      return stopped
    },
  }
}

const stalledAfterMs = 30_000

function healthOf(runners: readonly FeedRunner[]): Health {
  const reports = runners.flatMap((runner) => runner.reports())
  const isStalled = ({ state, silentMs }: AgentReport): boolean =>
    state === 'stopped' || (state !== 'running' && silentMs > stalledAfterMs)
  return {
    live: reports.every(({ state }) => state !== 'stopped'),
    ready: reports.every(({ state }) => state === 'running' || state === 'working'),
    stalled: reports.filter(isStalled),
    paused: runners.flatMap(({ feed, pausedBecause }) => {
      const because = pausedBecause()
      return because === null ? [] : [{ feed: feed.name, because }]
    }),
  }
}
