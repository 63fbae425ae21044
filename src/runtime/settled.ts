import { EstafetError, isEstafetError } from '../message/errors.ts'
import type { Feed } from '../ports/feed.ts'
import type { Operations } from '../ports/operations.ts'
import type { SagaSearch } from '../ports/saga-search.ts'
import type { LaneState } from '../ports/subscription-control.ts'
import type { Running } from './running.ts'
import { systemClock } from './world.ts'

/** A service that runs, and where its progress is kept. */
export interface SettlingService {
  readonly running: Pick<Running, 'subscription' | 'feeds'>
  readonly operations: Pick<Operations<never>, 'control'>
  /** Of its sagas, when it has any. */
  readonly sagas?: Pick<SagaSearch, 'summary'>
}

export interface SettledOptions {
  /** (Default: 30 s.) */
  readonly timeoutMs?: number
  /** Gives up at once. */
  readonly signal?: AbortSignal
}

const lookMs = 20

/**
 * Resolves once nothing is under way in any of these services: everything that was published is handled, nothing is parked, and all
 * sagas have ended. For tests; nobody else may publish meanwhile. Throws TIMED_OUT with what is still to be done, or the signal's reason.
 */
export async function settled(
  of: readonly SettlingService[],
  { timeoutMs = 30_000, signal = new AbortController().signal }: SettledOptions = {},
): Promise<void> {
  const until = systemClock.now() + timeoutMs
  let before: string | null = null
  for (;;) {
    signal.throwIfAborted()
    const seen = await Promise.all(of.map(lookAt))
    const left = seen.flatMap((each) => each.left)
    const now = JSON.stringify(seen.map(({ cursors }) => cursors))
    // Twice the same: what one service published while another was looked at shows in the second look.
    if (left.length === 0 && now === before) return
    if (systemClock.now() > until) {
      throw new EstafetError('TIMED_OUT', `Not settled within ${timeoutMs} ms: ${left.join('; ') || 'it still moves'}.`)
    }
    before = left.length === 0 ? now : null
    await systemClock.sleep(lookMs, signal)
  }
}

interface Look {
  readonly cursors: readonly string[]
  /** What is still to be done, in words. */
  readonly left: readonly string[]
}

async function lookAt({ running, operations, sagas }: SettlingService): Promise<Look> {
  const { subscription, feeds } = running
  const [{ lanes }, parked, summary] = await Promise.all([
    operations.control.state(subscription),
    operations.control.parkedKeys(subscription, { after: null, limit: 1 }),
    sagas?.summary() ?? [],
  ])
  const unread = await Promise.all(feeds.map((feed) => isUnread(feed, lanes)))
  const open = summary.filter(({ status }) => status === 'running' || status === 'compensating')
  return {
    cursors: lanes.map(({ feed, epoch, lane, cursor }) => `${feed} ${epoch} ${lane} ${cursor}`).toSorted(),
    left: [
      ...feeds.filter((_, at) => unread[at]).map(({ name }) => `${subscription} has not read all of ${name}`),
      ...(parked.items.length > 0 ? [`${subscription} has parked keys`] : []),
      ...open.map(({ sagas: count, type, status }) => `${count} sagas of ${type} are ${status}`),
    ],
  }
}

async function isUnread(feed: Feed, all: readonly LaneState[]): Promise<boolean> {
  try {
    const { epoch, lanes: count } = await feed.open()
    const lanes = all.filter((lane) => lane.feed === feed.name && lane.epoch === epoch)
    if (lanes.length < count) return true
    const ends = await feed.ends()
    const each = await Promise.all(
      lanes.map(async ({ lane, cursor }) => {
        const { deliveries, cursor: seen } = await feed.fetch(lane, cursor, 1)
        return deliveries.length > 0 || seen < (ends[lane] ?? 0n)
      }),
    )
    return each.includes(true)
  } catch (error) {
    // Undecided: what was begun earlier may still be committed.
    if (isEstafetError(error) && error.retry === 'later') return true
    throw error
  }
}
