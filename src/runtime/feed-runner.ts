import type { BackOff } from '../delivery/back-off.ts'
import { backOffMs } from '../delivery/back-off.ts'
import { errorName } from '../delivery/failure.ts'
import { shareLanes } from '../delivery/lane-share.ts'
import { isBusy, type PollPace, pollMs } from '../delivery/poll-pace.ts'
import { EstafetError } from '../message/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Feed, FeedState } from '../ports/feed.ts'
import type { Lane, LaneGroup, LaneStore } from '../ports/lane-store.ts'
import type { Logger } from '../ports/logger.ts'
import type { Random } from '../ports/random.ts'
import type { WakeUp } from '../ports/wake-up.ts'
import { type Agent, type AgentReport, agent } from './agent.ts'
import { bell } from './bell.ts'
import { type LaneWork, laneLoop, needsPerson } from './lane-loop.ts'
import { type Valve, valve } from './valve.ts'

export interface FeedRunnerOptions {
  /** Name under which progress is kept. */
  readonly subscription: string
  /** Unique among all processes. */
  readonly owner: string
  readonly startAt: 'beginning' | 'now'
  /** What to do about progress in another epoch of the feed: refuse, or begin here in the new one. */
  readonly newEpochAt: 'refuse' | 'beginning' | 'now'
  readonly leaseMs: number
  readonly batchSize: number
  readonly backOff: BackOff
  readonly pace: PollPace
}

export interface FeedRunnerParts<Tx> {
  readonly feed: Feed
  readonly lanes: LaneStore<Tx>
  readonly work: LaneWork
  /** Works beside the lanes on what they put aside, with the same life. */
  readonly beside?: (around: Around) => Beside
  readonly wakeUp: WakeUp
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** How long a handler has to end after its signal aborted, before `stop` leaves it behind. */
const graceMs = 1000

/** What a loop beside the lanes is given. */
export interface Around {
  /** The lanes that this process works on now; null before it has begun. */
  readonly held: () => { readonly group: LaneGroup; readonly lanes: readonly number[] } | null
  readonly valve: Valve
  readonly stopping: AbortSignal
  /** Aborts what is still under way some time after `stopping`. */
  readonly abort: AbortSignal
}

export interface Beside {
  readonly agent: Agent
  readonly ended: Promise<void>
}

export interface FeedRunner {
  readonly feed: Feed
  /** Why nothing is handed out now; null while all flows. */
  pausedBecause(): string | null
  reports(): readonly AgentReport[]
  /**
   * Finishes the batches under way, within `drainMs`, then aborts them; saves, and gives the lanes back. Resolves a second
   * later at the latest, also when a handler ignores its signal or the database does not answer.
   */
  stop(drainMs: number): Promise<void>
}

/**
 * Keeps one feed flowing: looks for news, shares the lanes with the other processes of the subscription, and works on
 * its share. Ends by itself only when the feed must not be read any more (EPOCH_CHANGED, MISCONFIGURED), loudly.
 */
export function runFeed<Tx>(parts: FeedRunnerParts<Tx>, options: FeedRunnerOptions): FeedRunner {
  const { feed, logger, clock } = parts
  const stopping = new AbortController()
  const abort = new AbortController()
  const news = bell()
  const agents = { look: agent(`${feed.name} look`, clock), lease: agent(`${feed.name} lease`, clock) }
  const running = new Map<
    number,
    { readonly agent: Agent; readonly stop: AbortController; readonly lost: AbortController }
  >()
  const unfinished = new Set<Promise<void>>()
  const flow = valve()
  let group: LaneGroup | null = null
  const held = (): ReturnType<Around['held']> => (group === null ? null : { group, lanes: [...running.keys()] })
  const beside = parts.beside?.({ held, valve: flow, stopping: stopping.signal, abort: abort.signal })
  if (beside !== undefined) {
    const ended = beside.ended.finally(() => unfinished.delete(ended))
    unfinished.add(ended)
  }

  async function look(): Promise<void> {
    // So that one that hangs, on a connection that is open on one side only, is seen to be stalled.
    agents.look.working()
    const seen = await feed.advance()
    if (seen === 'more') news.ring()
    agents.look.beat()
    emptyLooks = seen === 'idle' ? emptyLooks + 1 : 0
    newsInARow = seen === 'more' ? newsInARow + 1 : 0
    if (isBusy(newsInARow)) return clock.sleep(options.pace.busyMs, stopping.signal)
    await parts.wakeUp.wait(pollMs(options.pace, emptyLooks), stopping.signal)
  }
  let emptyLooks = 0
  let newsInARow = 0

  async function lease(): Promise<void> {
    agents.lease.working()
    const state = await feed.open()
    group ??= await groupOf(feed, options, state)
    const { owner, leaseMs } = options
    const survey = await parts.lanes.survey(group, { owner, leaseMs, working: [...running.keys()] })
    // A lane that the store says is ours and that no loop works on was lost on the way: it counts as free.
    const holders = survey.holders.map((holder, lane) =>
      holder === options.owner && !running.has(lane) ? null : holder,
    )
    const share = shareLanes({ members: survey.members, holders }, options.owner)
    for (const lane of share.release) running.get(lane)?.stop.abort()
    // What it does from now on cannot be saved: its handler need not go on either.
    for (const [lane, { stop, lost }] of running) {
      if (holders[lane] === options.owner) continue
      stop.abort()
      lost.abort()
    }
    for (const index of share.take) {
      const lane = await parts.lanes.take(group, index, options.owner, options.leaseMs)
      if (lane !== null) begin(lane)
    }
    agents.lease.beat()
    const isShort = share.take.length > running.size
    await clock.sleep(isShort ? Math.min(200, options.leaseMs / 3) : options.leaseMs / 3, stopping.signal)
  }

  function begin(lane: Lane): void {
    const own = agent(`${feed.name} lane ${lane.index}`, clock)
    const [stop, lost] = [new AbortController(), new AbortController()]
    const laneStopping = AbortSignal.any([stopping.signal, stop.signal])
    const loop = {
      ...parts,
      bell: news,
      valve: flow,
      agent: own,
      batchSize: options.batchSize,
      backOff: options.backOff,
    }
    const ended = laneLoop(loop, lane, laneStopping, AbortSignal.any([abort.signal, lost.signal]))
      .catch((error: unknown) => {
        logger.warn('a lane was lost', { feed: feed.name, lane: lane.index, error: errorName(error) })
        if (needsPerson(error)) end(error)
        return lane
      })
      .then((last) => parts.lanes.release(last))
      .catch((error: unknown) => {
        logger.warn('a lane could not be given back; its lease will lapse', {
          lane: lane.index,
          error: errorName(error),
        })
      })
      .finally(() => {
        // It may have been taken anew meanwhile: then the entry is that of the new loop.
        if (running.get(lane.index) === entry) running.delete(lane.index)
        unfinished.delete(ended)
      })
    const entry = { agent: own, stop, lost }
    running.set(lane.index, entry)
    unfinished.add(ended)
  }

  /** Else the process that comes after this one would leave half of the lanes to it until its lease has lapsed. */
  async function leave(): Promise<void> {
    if (group === null) return
    await parts.lanes.survey(group, { owner: options.owner, leaseMs: 0, working: [] }).catch((error: unknown) => {
      logger.warn('the process could not say goodbye; its share lapses', { feed: feed.name, error: errorName(error) })
    })
  }

  function end(error: unknown): void {
    if (stopping.signal.aborted) return
    const says = error instanceof EstafetError ? error.message : errorName(error)
    logger.error('a feed is stopped and needs a person', { feed: feed.name, error: errorName(error), says })
    for (const each of Object.values(agents)) each.stopped(error)
    stopping.abort()
  }

  async function repeat(own: Agent, step: () => Promise<void>): Promise<void> {
    let attempt = 0
    while (!stopping.signal.aborted) {
      try {
        await step()
        attempt = 0
      } catch (error) {
        if (error instanceof EstafetError && error.retry === 'never') return end(error)
        attempt += 1
        own.retry(error)
        const waitMs = backOffMs(options.backOff, attempt, parts.random.fraction())
        logger.warn('a feed cannot be read and is tried again', { feed: feed.name, attempt, error: errorName(error) })
        await clock.sleep(waitMs, stopping.signal)
      }
    }
  }

  const loops = Promise.all([repeat(agents.look, look), repeat(agents.lease, lease)])
  return {
    feed,
    pausedBecause: () => flow.closedBecause,
    reports() {
      const all = [...Object.values(agents), ...[...running.values()].map((each) => each.agent)]
      return [...all, ...(beside === undefined ? [] : [beside.agent])].map((each) => each.report())
    },
    async stop(drainMs) {
      stopping.abort()
      const patience = new AbortController()
      const drained = loops.then(() => Promise.all(unfinished))
      const deserted = clock
        .sleep(drainMs, patience.signal)
        .then(() => abort.abort())
        .then(() => clock.sleep(graceMs, patience.signal))
      await Promise.race([drained.then(leave), deserted])
      patience.abort()
      if (unfinished.size > 0) {
        // Whatever they still do rolls back, for their lanes' leases lapse; to wait for them would be to hang.
        logger.warn('handlers did not end when told to; left behind', { feed: feed.name, lanes: unfinished.size })
      }
      for (const each of Object.values(agents)) each.stopped()
      await parts.wakeUp.close()
    },
  }
}

async function groupOf(feed: Feed, options: FeedRunnerOptions, { epoch, lanes }: FeedState): Promise<LaneGroup> {
  const isNewEpochAccepted = options.newEpochAt !== 'refuse'
  const from = isNewEpochAccepted ? options.newEpochAt : options.startAt
  const starts = from === 'now' ? await feed.ends() : Array.from({ length: lanes }, () => 0n)
  return { subscription: options.subscription, feed: feed.name, epoch, starts, isNewEpochAccepted }
}
