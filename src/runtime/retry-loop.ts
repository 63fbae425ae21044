import { type BackOff, backOffMs } from '../delivery/back-off.ts'
import { errorName } from '../delivery/failure.ts'
import { type RetryParts, retryOnce } from '../inbox/retry-parked.ts'
import type { LaneGroup } from '../ports/lane-store.ts'
import type { DueKeys } from '../ports/retries.ts'
import { type Agent, agent } from './agent.ts'
import type { Turns } from './turns.ts'
import type { Valve } from './valve.ts'

export interface ParkingLimits {
  /** Keys that may be parked before the subscription pauses. (Default: 1,000.) */
  readonly keys: number
  /** Messages that may wait in their queues before it does. (Default: 10,000.) */
  readonly messages: number
}

export interface RetryLoopParts<Tx> extends Omit<RetryParts<Tx>, 'alone'> {
  readonly turns: Turns
  /** The lanes that this process works on now, and of what; null before it has begun. */
  readonly held: () => { readonly group: LaneGroup; readonly lanes: readonly number[] } | null
  readonly valve: Valve
  readonly limits: ParkingLimits
  /** The longest wait between two looks. */
  readonly lookMs: number
  readonly backOff: BackOff
  /** Lets jobs of people, such as a redrive, take their next step; tells whether there may be more to do soon. */
  readonly jobs: () => Promise<boolean>
  readonly counters: { applied: number; retried: number }
}

export interface RetryLoop {
  readonly agent: Agent
  readonly ended: Promise<void>
  /** What was parked when it last looked. */
  load(): DueKeys['load']
  /** Looks soon: something was parked. */
  nudge(): void
}

const empty = { keys: 0, messages: 0, dead: 0 }
/** Why nothing is handed out while the breaker is open. */
export const downText = 'many keys fail: a dependency seems to be down'

const keysAtOnce = 50
const messagesInARow = 100
/** Between two probes of a dependency that seems to be down. */
const probeMs = 250
/** Between two steps of a job: what it released must be tried in between. */
const busyMs = 25

/**
 * Tries the parked keys of this process's lanes when they are due, one at a time, until `stopping` aborts; closes the
 * valve while too much is parked or a person paused the subscription, and opens it again.
 *
 * One at a time, so that a process which dies was handling one parked message, and that one is counted.
 */
export function retryLoop<Tx>(
  name: string,
  parts: RetryLoopParts<Tx>,
  stopping: AbortSignal,
  abort: AbortSignal,
): RetryLoop {
  const own = agent(`${name} retries`, parts.clock)
  let load: DueKeys['load'] = empty
  let nudged = new AbortController()
  const unsaved = new Map<string, () => Promise<void>>()

  async function look(): Promise<number> {
    own.working()
    const held = parts.held()
    if (held === null) return Math.min(100, parts.lookMs)
    await saveUnsaved()
    const isBusy = await stepJobs()
    const due = await parts.retries.due(held.group, held.lanes, keysAtOnce)
    load = due.load
    steer(due)
    if (due.isPaused) return parts.lookMs
    const isProbing = parts.breaker.state === 'open'
    const isMoving = await tryAll(held.group, isProbing ? due.keys.slice(0, 1) : due.keys)
    if (isProbing) return Math.min(parts.lookMs, probeMs)
    if (isMoving) return 0
    return Math.max(5, Math.min(isBusy ? busyMs : parts.lookMs, due.nextMs || parts.lookMs))
  }

  /** Trouble with one key, or with people's jobs, must not keep the others from being tried. */
  async function tryAll(group: LaneGroup, keys: readonly string[]): Promise<boolean> {
    let isMoving = false
    const errors: unknown[] = []
    for (const key of keys) {
      try {
        isMoving = (await drain(group, key)) || isMoving
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
    return isMoving
  }

  async function saveUnsaved(): Promise<void> {
    for (const [key, save] of [...unsaved]) {
      await save()
      unsaved.delete(key)
    }
  }

  async function stepJobs(): Promise<boolean> {
    try {
      return await parts.jobs()
    } catch (error) {
      parts.logger.warn('a job could not take its next step', { feed: name, error: errorName(error) })
      return false
    }
  }

  function steer({ isPaused, load: now }: DueKeys): void {
    const { limits, valve } = parts
    const isFull = now.keys > limits.keys || now.messages > limits.messages
    const because = isPaused ? 'a person paused it' : isFull ? 'too much is parked' : downOrNull()
    if (because !== null && valve.closedBecause === null) {
      parts.logger.error('a subscription is paused', { feed: name, because, keys: now.keys, messages: now.messages })
    }
    if (because === null && valve.closedBecause !== null) parts.logger.info('a subscription goes on', { feed: name })
    if (because === null) valve.open()
    else valve.close(because)
  }

  function downOrNull(): string | null {
    return parts.breaker.state === 'open' ? downText : null
  }

  /** Tells whether anything was tried. Tries the key's messages until one fails, none is left, or other keys should have their turn. */
  async function drain(group: LaneGroup, key: string): Promise<boolean> {
    const { turns } = parts
    for (let turn = 0; turn < messagesInARow && !stopping.aborted; turn++) {
      own.working()
      const outcome = await turns.attempt(() => retryOnce({ ...parts, alone: turns.alone }, { group, key }, abort))
      if (outcome.kind === 'applied') {
        parts.counters.applied += 1
        continue
      }
      if (outcome.kind === 'failed') parts.counters.retried += 1
      if (outcome.kind === 'unsaved') {
        unsaved.set(key, outcome.save)
        throw outcome.error
      }
      return turn > 0 || outcome.kind !== 'gone'
    }
    return true
  }

  async function run(): Promise<void> {
    let attempt = 0
    while (!stopping.aborted) {
      let waitMs: number
      try {
        waitMs = await look()
        attempt = 0
        own.beat()
      } catch (error) {
        attempt += 1
        own.retry(error)
        waitMs = backOffMs(parts.backOff, attempt, parts.random.fraction())
        parts.logger.warn('parked keys cannot be looked at and are tried again', {
          ...{ feed: name, attempt, error: errorName(error) },
        })
      }
      if (waitMs > 0) await parts.clock.sleep(waitMs, AbortSignal.any([stopping, nudged.signal]))
      if (nudged.signal.aborted) nudged = new AbortController()
    }
    // A failure that is not saved would be taken for a crash.
    await saveUnsaved().catch(() => {})
    own.stopped()
  }

  return { agent: own, ended: run(), load: () => load, nudge: () => nudged.abort() }
}
