import type { UnitOfWork } from '../../ports/unit-of-work.ts'
import type { MemoryTransaction } from './database.ts'
import type { MemorySession } from './session.ts'

/** Transactions of a memory database. */
export function memoryUnitOfWork({ database, owner, interrupt }: MemorySession): UnitOfWork<MemoryTransaction> {
  return {
    async run(work, last) {
      await interrupt('begin')
      const tx = database.begin(owner)
      try {
        const result = await work(tx)
        await last?.(tx)
        await interrupt('before commit')
        database.commit(tx)
        // Interrupted here, the answer is lost: committed, and nobody knows.
        await interrupt('after commit')
        return result
      } catch (error) {
        database.abort(tx)
        throw error
      }
    },
  }
}
