import type { RecordedEvent } from '../../ports/event-store.ts'
import type { StreamIndex } from '../../ports/stream-index.ts'
import { eventsOf } from './event-store.ts'
import type { MemorySession } from './session.ts'

/** The streams of a memory database. */
export function memoryStreamIndex({ database, interrupt }: MemorySession): StreamIndex {
  const ofType = (type: string): readonly RecordedEvent[] =>
    [...eventsOf(database).values()].filter(({ topic }) => topic === type)

  /** By id, in the order of their code units. */
  const lastOf = (type: string): ReadonlyMap<string, RecordedEvent> => {
    const sorted = ofType(type).toSorted((a, b) =>
      a.key < b.key ? -1 : a.key > b.key ? 1 : a.streamVersion - b.streamVersion,
    )
    return new Map(sorted.map((event) => [event.key, event]))
  }

  return {
    async list(type, { after, limit }) {
      await interrupt('list streams')
      return [...lastOf(type).values()].filter(({ key }) => after === null || key > after).slice(0, limit)
    },
    async last(streams) {
      await interrupt('find last events')
      return streams.map(({ type, id }) => lastOf(type).get(id) ?? null)
    },
    async count(type) {
      await interrupt('count streams')
      return { streams: lastOf(type).size, events: ofType(type).length }
    },
  }
}
