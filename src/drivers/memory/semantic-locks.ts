import type { SemanticLocks } from '../../ports/semantic-locks.ts'
import type { MemoryTransaction } from './database.ts'
import type { MemorySession } from './session.ts'
import { transactionalTable } from './transactional-table.ts'

/** A semantic lock, as HoldSearch of the same database finds it. */
export interface MemoryLock {
  readonly number: bigint
  readonly owner: string
  readonly at: number
}

export const lockTable = 'semantic lock'

/** The semantic locks of a service, in a memory database. */
export function memorySemanticLocks({ database, interrupt }: MemorySession): SemanticLocks<MemoryTransaction> {
  const locks = transactionalTable<MemoryLock>(database, lockTable)
  const hold = (tx: MemoryTransaction, resource: string): Promise<void> =>
    database.lock(tx, `semantic lock ${resource}`, 'exclusive')
  return {
    take(tx, resource, owner) {
      return database.statement(tx, async () => {
        await interrupt('take lock')
        await hold(tx, resource)
        const known = locks.get(tx, resource)
        if (known !== undefined && known.owner !== owner) {
          return { kind: 'held', owner: known.owner, since: new Date(known.at).toISOString() }
        }
        if (known === undefined) locks.set(tx, resource, { number: locks.draw(), owner, at: database.clock.now() })
        return { kind: 'taken' }
      })
    },

    release(tx, owner) {
      return database.statement(tx, async () => {
        await interrupt('release locks')
        const freed: string[] = []
        for (const resource of [...locks.all(tx)]
          .flatMap(([name, lock]) => (lock.owner === owner ? [name] : []))
          .sort()) {
          await hold(tx, resource)
          // Another transaction may have freed it while we waited.
          if (locks.get(tx, resource)?.owner !== owner) continue
          locks.set(tx, resource, null)
          freed.push(resource)
        }
        return freed
      })
    },
  }
}
