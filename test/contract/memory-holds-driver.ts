import type { FlowDriver, OpenTransaction, ReservationDriver, SemanticLockDriver } from 'estafet/contract'
import {
  type MemoryDatabase,
  type MemoryTransaction,
  memoryDatabase,
  memoryFlowSearch,
  memoryFlows,
  memoryHoldSearch,
  memoryReservations,
  memorySemanticLocks,
  memoryUnitOfWork,
  virtualClock,
} from 'estafet/memory'

// Another task may go on between any two steps.
const interrupt = () => new Promise<void>((resolve) => setImmediate(resolve))
const moment = () => new Promise<void>((resolve) => setTimeout(resolve, 5))

export function memoryHoldsDriver(): ReservationDriver<MemoryTransaction> & SemanticLockDriver<MemoryTransaction> {
  const clock = virtualClock()
  const database = memoryDatabase(clock)
  const session = { database, owner: 'process', interrupt }
  return {
    reservations: memoryReservations(session),
    locks: memorySemanticLocks(session),
    search: memoryHoldSearch(session),
    unitOfWork: memoryUnitOfWork(session),
    begin: () => begin(database),
    moment,
    async age(ms) {
      const passed = clock.sleep(ms)
      while (clock.next());
      await passed
    },
  }
}

export function memoryFlowDriver(): FlowDriver<MemoryTransaction> {
  const database = memoryDatabase(virtualClock())
  const session = { database, owner: 'process', interrupt }
  return {
    flows: memoryFlows(session),
    search: memoryFlowSearch(session),
    unitOfWork: memoryUnitOfWork(session),
    begin: () => begin(database),
    moment,
  }
}

function begin(database: MemoryDatabase): Promise<OpenTransaction<MemoryTransaction>> {
  const tx = database.begin('process')
  return Promise.resolve({
    tx,
    undone: (work) =>
      tx.savepoint(async () => {
        await work()
        throw new Error('back to the savepoint')
      }),
    commit: () => Promise.resolve(database.commit(tx)),
    rollback: () => Promise.resolve(database.abort(tx)),
  })
}
