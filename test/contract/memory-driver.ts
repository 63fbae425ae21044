import type { BrokerDriver, LaneDriver, LogDriver } from 'estafet/contract'
import {
  type MemoryTransaction,
  memoryBroker,
  memoryDatabase,
  memoryLaneStore,
  memoryLog,
  memoryOutbox,
  memorySession,
  memorySink,
  memoryTopicFeed,
  memoryUnitOfWork,
  virtualClock,
} from 'estafet/memory'

type OutboxMutations = Parameters<typeof memoryOutbox>[2]
type LaneMutations = Parameters<typeof memoryLaneStore>[1]

export function memoryLogDriver(mutations?: OutboxMutations): LogDriver<MemoryTransaction> {
  const database = memoryDatabase(virtualClock())
  const session = memorySession(database)
  const begin = () => {
    const tx = database.begin('process')
    return Promise.resolve({
      tx,
      commit: () => Promise.resolve(database.commit(tx)),
      rollback: () => Promise.resolve(database.abort(tx)),
    })
  }
  return {
    outbox: memoryOutbox(session, 'orders', mutations),
    log: memoryLog(session, 'orders'),
    begin,
    async outside() {
      const { tx, rollback } = await begin()
      await rollback()
      return tx
    },
    moment: () => new Promise((resolve) => setImmediate(resolve)),
  }
}

export function memoryLaneDriver(mutations?: LaneMutations): LaneDriver<MemoryTransaction> {
  const clock = virtualClock()
  const database = memoryDatabase(clock)
  const session = memorySession(database)
  return {
    lanes: memoryLaneStore(session, mutations),
    unitOfWork: memoryUnitOfWork(session),
    note: (tx, effect) => Promise.resolve(tx.insert('effect', effect)),
    notes: () => Promise.resolve(database.rows('effect').map(String)),
    async lapse(ms) {
      const passed = clock.sleep(ms + 1)
      while (clock.next());
      await passed
    },
  }
}

export function memoryBrokerDriver(): BrokerDriver {
  const broker = memoryBroker(3)
  return { sink: memorySink(broker), feed: (topic) => memoryTopicFeed(broker, topic) }
}
