import type { Inbox } from '../../ports/inbox.ts'
import type { MemoryTransaction } from './database.ts'
import type { MemorySession } from './session.ts'

/** Ids of messages from others, in a memory database. */
export function memoryInbox({ database, interrupt }: MemorySession): Inbox<MemoryTransaction> {
  const taken = (subscription: string) => database.table<number>(`inbox of ${subscription}`)
  return {
    take(tx, subscription, ids) {
      return database.statement(tx, async () => {
        await interrupt('inbox take')
        const fresh = new Set<string>()
        for (const id of [...new Set(ids)].sort()) {
          await database.lock(tx, `inbox ${subscription} ${id}`, 'exclusive')
          if (!taken(subscription).has(id)) fresh.add(id)
        }
        tx.atCommit(() => {
          for (const id of fresh) taken(subscription).set(id, database.clock.now())
        })
        return fresh
      })
    },

    async forget(subscription, days) {
      await interrupt('inbox forget')
      const before = database.clock.now() - days * 86_400_000
      for (const [id, at] of taken(subscription)) if (at <= before) taken(subscription).delete(id)
    },
  }
}
