import { type BackOff, backOffMs } from '../delivery/back-off.ts'
import { errorName, errorPlace } from '../delivery/failure.ts'
import { type EstafetError, isEstafetError } from '../message/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Feed, Fetched } from '../ports/feed.ts'
import type { Lane } from '../ports/lane-store.ts'
import type { Logger } from '../ports/logger.ts'
import type { Random } from '../ports/random.ts'
import type { Agent } from './agent.ts'
import type { Bell } from './bell.ts'
import type { Valve } from './valve.ts'

/** What a lane's loop does with what it fetched; see handleBatch and relay. */
export interface LaneWork {
  /** Resolves to the lane as saved, and to what holds up the rest, if anything. */
  handle(lane: Lane, fetched: Fetched, signal: AbortSignal): Promise<{ lane: Lane; failure: unknown }>
  /** Saves that there was nothing for this lane up to `cursor`. */
  skip(lane: Lane, cursor: bigint): Promise<Lane>
}

export interface LaneLoopParts {
  readonly feed: Feed
  readonly work: LaneWork
  readonly bell: Bell
  readonly valve: Valve
  readonly agent: Agent
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly batchSize: number
  readonly backOff: BackOff
}

/** Positions without a message for this lane that pass before that is saved: what a restart would look at again. */
const skipEvery = 1000n

/**
 * Works on one leased lane until `stopping` aborts, and resolves to the lane as saved. Throws FENCED when the lane is
 * lost, and EPOCH_CHANGED or MISCONFIGURED.
 *
 * What the work could not do is tried again for ever, with back-off, while what follows in the lane waits. After a commit with
 * an unknown outcome the lane's cursor may be out of date: the next save is then FENCED, and the lane is taken anew.
 */
export async function laneLoop(
  parts: LaneLoopParts,
  taken: Lane,
  stopping: AbortSignal,
  abort: AbortSignal,
): Promise<Lane> {
  let lane = taken
  let cursor = lane.cursor
  let attempt = 0
  while (!stopping.aborted) {
    try {
      await parts.valve.whenOpen(stopping)
      if (stopping.aborted) break
      const rung = parts.bell.rung
      const fetched = await parts.feed.fetch(lane.index, cursor, parts.batchSize)
      if (fetched.deliveries.length > 0) {
        parts.agent.working()
        const done = await parts.work.handle(lane, fetched, abort)
        lane = done.lane
        cursor = lane.cursor
        if (done.failure !== null) throw done.failure
      } else {
        cursor = fetched.cursor
        if (cursor - lane.cursor >= skipEvery) lane = await parts.work.skip(lane, cursor)
      }
      attempt = 0
      parts.agent.beat()
      if (!fetched.hasMore) await parts.bell.wait(rung, stopping)
    } catch (error) {
      if (isEstafetError(error, 'FENCED') || needsPerson(error)) throw error
      attempt += 1
      await pause(parts, lane, attempt, error, stopping)
      cursor = lane.cursor
    }
  }
  return cursor > lane.cursor ? parts.work.skip(lane, cursor) : lane
}

/** Tells what no further try will change: the log or the broker is another one, or unsafe. */
export function needsPerson(error: unknown): error is EstafetError {
  return isEstafetError(error, 'EPOCH_CHANGED') || isEstafetError(error, 'MISCONFIGURED')
}

async function pause(parts: LaneLoopParts, lane: Lane, attempt: number, error: unknown, stopping: AbortSignal) {
  const waitMs = Math.round(backOffMs(parts.backOff, attempt, parts.random.fraction()))
  parts.agent.retry(error)
  parts.logger.warn('a batch failed and is tried again', {
    feed: lane.group.feed,
    lane: lane.index,
    attempt,
    wait_ms: waitMs,
    error: errorName(error),
    at: errorPlace(error),
  })
  await parts.clock.sleep(waitMs, stopping)
}
