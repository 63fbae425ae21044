import type {
  BrokerDriver,
  EventStoreDriver,
  InboxDriver,
  LaneDriver,
  LogDriver,
  LogFeedDriver,
  OpenTransaction,
  ParkingDriver,
  SagasDriver,
  StepFenceDriver,
  UnitOfWorkDriver,
  VaultDriver,
  WakeUpDriver,
} from 'estafet/contract'
import { eventOutbox } from 'estafet/contract'
import {
  type MemoryDatabase,
  type MemoryTransaction,
  memoryBell,
  memoryBroker,
  memoryDatabase,
  memoryEventStore,
  memoryInbox,
  memoryLaneStore,
  memoryLog,
  memoryOutbox,
  memoryParking,
  memoryRetries,
  memorySagaSearch,
  memorySagas,
  memorySession,
  memorySink,
  memoryStepFence,
  memoryStreamIndex,
  memoryTopicFeed,
  memoryUnitOfWork,
  memoryVault,
  type VirtualClock,
  virtualClock,
} from 'estafet/memory'
import { logFeed } from '../../src/outbox/log-feed.ts'

type OutboxMutations = Parameters<typeof memoryOutbox>[2]
type RetryMutations = Parameters<typeof memoryRetries>[1]
type LaneMutations = Parameters<typeof memoryLaneStore>[1]

export function memoryLogDriver(mutations?: OutboxMutations): LogDriver<MemoryTransaction> {
  const database = memoryDatabase(virtualClock())
  const session = memorySession(database)
  const begin = () => Promise.resolve(openTransaction(database))
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

export function memoryEventStoreDriver(
  mutations?: Parameters<typeof memoryEventStore>[2],
): EventStoreDriver<MemoryTransaction> & { readonly outbox: LogDriver<MemoryTransaction>['outbox'] } {
  const database = memoryDatabase(virtualClock())
  const session = memorySession(database)
  const events = memoryEventStore(session, 'orders', mutations)
  const begin = () => Promise.resolve(openTransaction(database))
  return {
    events,
    index: memoryStreamIndex(session),
    outbox: eventOutbox(events),
    log: memoryLog(session, 'orders', 'events'),
    begin,
    async outside() {
      const { tx, rollback } = await begin()
      await rollback()
      return tx
    },
    moment: () => new Promise((resolve) => setTimeout(resolve, 2)),
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
    lapse: (ms) => lapse(clock, ms),
  }
}

export function memoryParkingDriver(
  mutations?: RetryMutations,
): ParkingDriver<MemoryTransaction> & InboxDriver<MemoryTransaction> {
  const clock = virtualClock()
  const database = memoryDatabase(clock)
  // Another task may go on between any two steps.
  const interrupt = () => new Promise<void>((resolve) => setImmediate(resolve))
  const session = { database, owner: 'process', interrupt }
  return {
    parking: memoryParking(session),
    retries: memoryRetries(session, mutations),
    lanes: memoryLaneStore(session),
    inbox: memoryInbox(session),
    unitOfWork: memoryUnitOfWork(session),
    begin: () => Promise.resolve(openTransaction(database)),
    note: (tx, effect) => Promise.resolve(tx.insert('effect', effect)),
    notes: () => Promise.resolve(database.rows('effect').map(String)),
    lapse: (ms) => lapse(clock, ms),
    moment: () => new Promise((resolve) => setTimeout(resolve, 5)),
    pause: (subscription) => Promise.resolve(void database.table('paused subscription').set(subscription, true)),
  }
}

export function memoryStepFenceDriver(): StepFenceDriver<MemoryTransaction> {
  const database = memoryDatabase(virtualClock())
  const interrupt = () => new Promise<void>((resolve) => setImmediate(resolve))
  const session = { database, owner: 'process', interrupt }
  return {
    fence: memoryStepFence(session),
    unitOfWork: memoryUnitOfWork(session),
    begin: () => Promise.resolve(openTransaction(database)),
    moment: () => new Promise((resolve) => setTimeout(resolve, 5)),
  }
}

export function memorySagasDriver(): SagasDriver<MemoryTransaction> & { readonly database: MemoryDatabase } {
  const clock = virtualClock()
  const database = memoryDatabase(clock)
  const interrupt = () => new Promise<void>((resolve) => setImmediate(resolve))
  const session = { database, owner: 'process', interrupt }
  return {
    database,
    sagas: memorySagas(session),
    search: memorySagaSearch(session),
    unitOfWork: memoryUnitOfWork(session),
    begin: () => Promise.resolve(openTransaction(database)),
    moment: () => new Promise((resolve) => setTimeout(resolve, 5)),
    lapse: (ms) => lapse(clock, ms),
    now: () => Promise.resolve(clock.now()),
  }
}

export function memoryVaultDriver(): VaultDriver<MemoryTransaction> {
  const interrupt = () => new Promise<void>((resolve) => setImmediate(resolve))
  const session = { database: memoryDatabase(virtualClock()), owner: 'process', interrupt }
  return { vault: memoryVault(session), unitOfWork: memoryUnitOfWork(session) }
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

function openTransaction(database: MemoryDatabase): OpenTransaction<MemoryTransaction> {
  const tx = database.begin('process')
  return {
    tx,
    undone: (work) =>
      tx.savepoint(async () => {
        await work()
        throw new Error('back to the savepoint')
      }),
    commit: () => Promise.resolve(database.commit(tx)),
    rollback: () => Promise.resolve(database.abort(tx)),
  }
}

async function lapse(clock: VirtualClock, ms: number): Promise<void> {
  const passed = clock.sleep(ms + 1)
  while (clock.next());
  await passed
}
