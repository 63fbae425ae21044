import { EstafetError } from '../message/errors.ts'
import type { Delivery } from '../message/message.ts'
import type { Feed, FeedState, Fetched } from '../ports/feed.ts'
import type { Log, LogState } from '../ports/log.ts'
import { advancePrefix, emptyPrefix, isBlocked, type Prefix, raiseFence, settleFence } from './prefix.ts'

export interface LogFeedOptions {
  /** Lanes that the keys are spread over: how many processes or transactions can work side by side. */
  readonly lanes: number
  /** Only these topics. Left out: all. */
  readonly topics?: readonly string[]
  /** Positions looked at in one step. (Default: 2000.) */
  readonly scanLimit?: number
}

/**
 * A log as a feed: lanes by hash of the key, and nothing handed out before it is certain that no earlier message can
 * still appear.
 *
 * @source docs/decisions/0003-log-protocol.md; the decisions are in prefix.ts
 */
export function logFeed(log: Log, options: LogFeedOptions): Feed {
  const scanLimit = options.scanLimit ?? 2000
  let prefix: Prefix = emptyPrefix
  /** Up to where there was said to be more. */
  let told = 0n
  let opened: LogState | null = null
  let ending: Prefix | null = null

  async function inspect(): Promise<LogState> {
    const state = await log.inspect()
    if (opened !== null && opened.epoch !== state.epoch) {
      throw epochChanged(log.source, `its epoch was ${opened.epoch} and is now ${state.epoch}`)
    }
    opened = state
    return state
  }

  async function resolveGap(committed: bigint): Promise<void> {
    // That `committed` was read before the writers is the protocol: see raiseFence.
    const writers = await log.writers()
    prefix = prefix.fence === null ? raiseFence(prefix, committed, writers) : settleFence(prefix, writers)
    if (prefix.fence === null) prefix = advancePrefix(prefix, await log.positions(prefix.safe, scanLimit))
  }

  return {
    name: `log:${log.source}`,

    async open(): Promise<FeedState> {
      const { epoch } = await inspect()
      return { epoch, lanes: options.lanes }
    },

    async ends() {
      // A committed position, because one that was only drawn may be drawn again; and one below which nothing can still
      // be committed, because that would be written after "now" and never read.
      if (ending === null) {
        const { lastCommitted } = await inspect()
        ending = raiseFence(emptyPrefix, lastCommitted, lastCommitted === 0n ? [] : await log.writers())
      } else {
        ending = settleFence(ending, await log.writers())
      }
      if (ending.fence !== null) throw undecidedEnd(log.source)
      const end = ending.deadUpTo
      ending = null
      return Array.from({ length: options.lanes }, () => end)
    },

    async advance() {
      const positions = await log.positions(prefix.safe, scanLimit)
      prefix = advancePrefix(prefix, positions)
      const last = positions.at(-1)
      if (last !== undefined && last > prefix.safe) await resolveGap(last)
      // Not only what this look found: a lane that another process has taken further tells it first, and a look may fail half-way. Who
      // waits for news would wait until there is more.
      if (prefix.safe > told) {
        told = prefix.safe
        return 'more'
      }
      return isBlocked(prefix, positions) ? 'waiting' : 'idle'
    },

    async fetch(lane, after, limit): Promise<Fetched> {
      if (after > prefix.safe) {
        await refuseRewound(log.source, after, opened, inspect)
        // A cursor that was saved was safe once, and what is final stays final.
        prefix = { ...prefix, safe: after }
      }
      const upTo = prefix.safe
      if (after >= upTo) return { deliveries: [], cursor: after, hasMore: false }
      const messages = await log.read({
        after,
        upTo,
        limit,
        topics: options.topics ?? null,
        lane: { index: lane, count: options.lanes },
      })
      const deliveries: Delivery[] = messages.map((message) => ({
        message,
        cursor: message.position,
        previous: null,
      }))
      const hasMore = messages.length >= limit
      return { deliveries, cursor: hasMore ? (deliveries.at(-1)?.cursor ?? upTo) : upTo, hasMore }
    },
  }
}

async function refuseRewound(
  source: string,
  cursor: bigint,
  opened: LogState | null,
  inspect: () => Promise<LogState>,
): Promise<void> {
  if (opened !== null && cursor <= opened.lastDrawn) return
  const { lastDrawn } = await inspect()
  if (cursor > lastDrawn) {
    throw epochChanged(source, `a reader has seen position ${cursor}, but only ${lastDrawn} were ever drawn`)
  }
}

function undecidedEnd(source: string): EstafetError {
  return new EstafetError(
    'UNAVAILABLE',
    `Where the log of ${source} ends is not known yet: transactions that published are still open.`,
    { details: { source } },
  )
}

function epochChanged(source: string, why: string): EstafetError {
  return new EstafetError(
    'EPOCH_CHANGED',
    `The log of ${source} was replaced or set back: ${why}. Find out what was restored, then begin a new epoch.`,
    { details: { source } },
  )
}
