import type { StreamName } from '../../ports/event-store.ts'
import type { Snapshot, Snapshots } from '../../ports/snapshots.ts'
import type { MemorySession } from './session.ts'

/** Snapshots of a memory database. */
export function memorySnapshots({ database, interrupt }: MemorySession): Snapshots {
  const all = database.table<Snapshot>('snapshot')
  const beginning = ({ type, id }: StreamName): string => `${JSON.stringify([type, id])} `
  return {
    async find(stream, fold) {
      await interrupt('find snapshot')
      return all.get(`${beginning(stream)}${fold}`) ?? null
    },

    async save(stream, snapshot) {
      await interrupt('save snapshot')
      const name = `${beginning(stream)}${snapshot.fold}`
      const before = all.get(name)
      if (before === undefined || before.version < snapshot.version) all.set(name, snapshot)
      for (const [other, { version }] of all) {
        if (other.startsWith(beginning(stream)) && other !== name && version < snapshot.version) all.delete(other)
      }
    },

    async drop(stream, fold) {
      await interrupt('drop snapshot')
      all.delete(`${beginning(stream)}${fold}`)
    },
  }
}
