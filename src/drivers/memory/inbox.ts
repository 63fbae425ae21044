import type { Inbox, SentId } from '../../ports/inbox.ts'
import type { MemoryTransaction } from './database.ts'
import type { MemorySession } from './session.ts'

interface Taken {
  readonly place: string
  readonly at: number
}

/** Ids of messages from others, in a memory database. */
export function memoryInbox({ database, interrupt }: MemorySession): Inbox<MemoryTransaction> {
  const taken = (subscription: string) => database.table<Taken>(`inbox of ${subscription}`)
  return {
    take(tx, subscription, ids) {
      return database.statement(tx, async () => {
        await interrupt('inbox take')
        const places = firstPlaces(ids)
        for (const id of [...places.keys()].sort()) {
          await database.lock(tx, `inbox ${subscription} ${id}`, 'exclusive')
          const before = taken(subscription).get(id)
          if (before !== undefined) places.set(id, before.place)
        }
        const fresh = ids.filter(({ id, place }) => places.get(id) === place)
        tx.atCommit(() => {
          for (const [id, place] of places) taken(subscription).set(id, { place, at: database.clock.now() })
        })
        return fresh
      })
    },

    async forget(subscription, days) {
      await interrupt('inbox forget')
      const before = database.clock.now() - days * 86_400_000
      for (const [id, { at }] of taken(subscription)) if (at <= before) taken(subscription).delete(id)
    },
  }
}

function firstPlaces(ids: readonly SentId[]): Map<string, string> {
  const places = new Map<string, string>()
  for (const { id, place } of ids) if (!places.has(id)) places.set(id, place)
  return places
}
