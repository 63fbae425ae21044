import type { Feed, Fetched } from '../ports/feed.ts'
import type { Log } from '../ports/log.ts'
import type { RelayedMessage, Sink } from '../ports/sink.ts'
import type { LaneWork } from '../runtime/lane-loop.ts'

/** Ways to break a rule of the protocols. Each must be found by the simulation, else the simulation is broken. */
export const mutants = [
  'naive cursor',
  'no log lock',
  'no key lock',
  'dead gaps passed without a committed row',
  'ack before commit',
  'progress outside the transaction',
  'unfenced lease',
  'relay goes on after a failure',
] as const
export type Mutant = (typeof mutants)[number]

/** A feed that takes the highest position seen for safe, or dead positions for good ground to stand on. */
export function brokenFeed(
  log: Log,
  lanes: number,
  mutant: 'naive cursor' | 'dead gaps passed without a committed row',
): Feed {
  let safe = 0n
  return {
    name: `log:${log.source}`,
    async open() {
      const { epoch, lastDrawn } = await log.inspect()
      return { epoch, ends: Array.from({ length: lanes }, () => lastDrawn) }
    },
    async advance() {
      const before = safe
      if (mutant === 'naive cursor') {
        safe = (await log.positions(safe, 1000)).at(-1) ?? safe
      } else {
        const { lastDrawn } = await log.inspect()
        if ((await log.writers()).length === 0 && lastDrawn > safe) safe = lastDrawn
      }
      return safe > before ? 'more' : 'idle'
    },
    async fetch(lane, after, limit): Promise<Fetched> {
      if (after > safe) safe = after
      const messages = await log.read({ after, upTo: safe, limit, topics: null, lane: { index: lane, count: lanes } })
      const deliveries = messages.map((message) => ({ message, cursor: message.position, previous: null }))
      const hasMore = deliveries.length >= limit
      return { deliveries, cursor: hasMore ? (deliveries.at(-1)?.cursor ?? safe) : safe, hasMore }
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
