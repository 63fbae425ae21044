import { advancePrefix, emptyPrefix, isBlocked, type Prefix, raiseFence, settleFence } from '../outbox/prefix.ts'
import type { Feed, Fetched } from '../ports/feed.ts'
import type { Log } from '../ports/log.ts'
import type { RelayedMessage, Sink } from '../ports/sink.ts'
import type { LaneWork } from '../runtime/lane-loop.ts'
import { parkingMutants } from './parking-mutants.ts'

/** Ways to break a rule of the protocols. Each must be found by the simulation, else the simulation is broken. */
export const mutants = [
  'naive cursor',
  'no log lock',
  'no key lock',
  'dead gaps passed without a committed row',
  'ack before commit',
  'progress outside the transaction',
  'unfenced lease',
  'stale cursor accepted',
  'writers listed before the positions',
  'dead up to the last position drawn',
  'chain ignored',
  'relay goes on after a failure',
  'relay saves before it sends',
  ...parkingMutants,
] as const
export type Mutant = (typeof mutants)[number]

/** Mutants that pass positions which may still commit. */
export type FeedMutant =
  | 'naive cursor'
  | 'dead gaps passed without a committed row'
  | 'dead up to the last position drawn'

export function isFeedMutant(mutant: Mutant | null): mutant is FeedMutant {
  return (
    mutant === 'naive cursor' ||
    mutant === 'dead gaps passed without a committed row' ||
    mutant === 'dead up to the last position drawn'
  )
}

/** A feed that takes the highest position seen for safe, or too much of what is missing for dead. */
export function brokenFeed(log: Log, lanes: number, mutant: FeedMutant): Feed {
  let prefix = emptyPrefix
  async function look(): Promise<Prefix> {
    const positions = await log.positions(prefix.safe, 1000)
    if (mutant === 'naive cursor') return { ...prefix, safe: positions.at(-1) ?? prefix.safe }
    const { lastDrawn } = await log.inspect()
    const writers = await log.writers()
    if (mutant === 'dead gaps passed without a committed row') {
      return writers.length === 0 && lastDrawn > prefix.safe ? { ...prefix, safe: lastDrawn } : prefix
    }
    const seen = advancePrefix(prefix, positions)
    if (!isBlocked(seen, positions)) return seen
    const fenced = seen.fence === null ? raiseFence(seen, lastDrawn, writers) : settleFence(seen, writers)
    return fenced.fence === null ? advancePrefix(fenced, await log.positions(fenced.safe, 1000)) : fenced
  }
  return {
    name: `log:${log.source}`,
    async open() {
      const { epoch } = await log.inspect()
      return { epoch, lanes }
    },
    async ends() {
      const { lastDrawn } = await log.inspect()
      return Array.from({ length: lanes }, () => lastDrawn)
    },
    async advance() {
      const before = prefix.safe
      prefix = await look()
      return prefix.safe > before ? 'more' : 'idle'
    },
    async fetch(lane, after, limit): Promise<Fetched> {
      if (after > prefix.safe) prefix = { ...prefix, safe: after }
      const { safe } = prefix
      const messages = await log.read({ after, upTo: safe, limit, topics: null, lane: { index: lane, count: lanes } })
      const deliveries = messages.map((message) => ({ message, cursor: message.position, previous: null }))
      const hasMore = deliveries.length >= limit
      return { deliveries, cursor: hasMore ? (deliveries.at(-1)?.cursor ?? safe) : safe, hasMore }
    },
  }
}

/** A log whose reader asks who may still fill a gap before it looks for gaps. */
export function brokenLog(log: Log): Log {
  let early: readonly string[] = []
  return {
    ...log,
    async positions(after, limit) {
      early = await log.writers()
      return log.positions(after, limit)
    },
    writers: () => Promise.resolve(early),
  }
}

/** A topic whose reader trusts the broker's offsets alone. */
export function brokenTopic(topic: Feed): Feed {
  return {
    ...topic,
    async fetch(...of) {
      const fetched = await topic.fetch(...of)
      return { ...fetched, deliveries: fetched.deliveries.map((delivery) => ({ ...delivery, previous: null })) }
    },
  }
}

/** Work that saves progress apart from the effects: before them, or after. */
export function brokenWork(
  work: LaneWork,
  parts: {
    readonly saveAlone: (lane: Parameters<LaneWork['handle']>[0], fetched: Fetched) => Promise<void>
    readonly handleAlone: (fetched: Fetched) => Promise<void>
  },
  mutant: 'ack before commit' | 'progress outside the transaction',
): LaneWork {
  return {
    ...work,
    async handle(lane, fetched) {
      if (mutant === 'ack before commit') await parts.saveAlone(lane, fetched)
      await parts.handleAlone(fetched)
      if (mutant === 'progress outside the transaction') await parts.saveAlone(lane, fetched)
      return { lane: { ...lane, cursor: fetched.cursor }, failure: null }
    },
  }
}

/** A sink whose sender does not wait: what fails is sent again behind what came after it. */
export function brokenSink(sink: Sink): Sink {
  return {
    ...sink,
    async send(messages) {
      const failed: RelayedMessage[] = []
      for (const message of messages) await sink.send([message]).catch(() => failed.push(message))
      if (failed.length > 0) await sink.send(failed)
    },
  }
}
