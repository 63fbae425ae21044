import type {
  BrokerDriver,
  LaneDriver,
  LogDriver,
  LogFeedDriver,
  UnitOfWorkDriver,
  WakeUpDriver,
} from 'estafet/contract'
import {
  type MemoryTransaction,
  memoryBell,
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
import { logFeed } from '../../src/outbox/log-feed.ts'

type OutboxMutations = Parameters<typeof memoryOutbox>[2]
type LaneMutations = Parameters<typeof memoryLaneStore>[1]

export function memoryLogDriver(mutations?: OutboxMutations): LogDriver<MemoryTransaction> {
  const database = memoryDatabase(virtualClock())
  const session = memorySession(database)
  const begin = () => {
    const tx = database.begin('process')
    return Promise.resolve({
      tx,
      undone: (work: () => Promise<void>) =>
        tx.savepoint(async () => {
          await work()
          throw new Error('back to the savepoint')
        }),
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

export function memoryLogFeedDriver(mutations?: OutboxMutations): LogFeedDriver<MemoryTransaction> {
  const { log, ...driver } = memoryLogDriver(mutations)
  return { ...driver, feed: () => logFeed(log, { lanes: 2 }) }
}

export function memoryUnitOfWorkDriver(): UnitOfWorkDriver<MemoryTransaction> {
  const database = memoryDatabase(virtualClock())
  return {
    unitOfWork: memoryUnitOfWork(memorySession(database)),
    note: (tx, effect) => Promise.resolve(tx.insert('effect', effect)),
    notes: () => Promise.resolve(database.rows('effect').map(String)),
    fail(tx) {
      tx.doom()
      return Promise.reject(new Error('a statement was refused'))
    },
    cut: (tx) => Promise.resolve(database.abort(tx)),
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

export function memoryWakeUpDriver(): WakeUpDriver {
  const clock = virtualClock()
  const bell = memoryBell(clock)
  return {
    announcer: () => bell.announcer,
    wakeUp: bell.wakeUp,
    async pass(ms) {
      const passed = clock.sleep(ms)
      let isOver = false
      void passed.then(() => {
        isOver = true
      })
      while (!isOver) {
        clock.next()
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}
