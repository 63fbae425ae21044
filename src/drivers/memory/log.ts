import type { Log } from '../../ports/log.ts'
import { eventLogLock, eventsOf } from './event-store.ts'
import { epochOf, logLock, messagesOf, slotOf } from './outbox.ts'
import type { MemorySession } from './session.ts'

/** A memory database's log, as its readers see it: its published messages, or its private events. */
export function memoryLog(
  { database, interrupt }: MemorySession,
  source: string,
  of: 'outbox' | 'events' = 'outbox',
): Log {
  const lock = of === 'outbox' ? logLock : eventLogLock
  const committed = (after: bigint) =>
    [...(of === 'outbox' ? messagesOf(database) : eventsOf(database)).values()]
      .filter(({ position }) => position > after)
      .sort((a, b) => Number(a.position - b.position))
  return {
    source,
    async inspect() {
      await interrupt('inspect')
      const { lastDrawn } = database
      return { epoch: epochOf(database), lastDrawn, lastCommitted: committed(0n).at(-1)?.position ?? 0n }
    },
    async positions(after, limit) {
      await interrupt('positions')
      return committed(after)
        .slice(0, limit)
        .map(({ position }) => position)
    },
    async writers() {
      await interrupt('writers')
      return database.holders(lock)
    },
    async read({ after, upTo, limit, topics, lane }) {
      await interrupt('read')
      return committed(after)
        .filter(({ position, topic }) => position <= upTo && (topics === null || topics.includes(topic)))
        .filter(({ key }) => slotOf(key) % lane.count === lane.index)
        .slice(0, limit)
    },
  }
}
