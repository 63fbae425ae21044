export { type MemoryBroker, memoryBroker, memorySink, memoryTopicFeed } from './drivers/memory/broker.ts'
export { type VirtualClock, virtualClock } from './drivers/memory/clock.ts'
export {
  type Interrupt,
  type MemoryDatabase,
  type MemoryTransaction,
  memoryDatabase,
} from './drivers/memory/database.ts'
export { type EventStoreMutations, memoryEventStore } from './drivers/memory/event-store.ts'
export { memoryInbox } from './drivers/memory/inbox.ts'
export { memoryLaneStore } from './drivers/memory/lane-store.ts'
export { memoryLog } from './drivers/memory/log.ts'
export { memoryOutbox } from './drivers/memory/outbox.ts'
export { memoryParking } from './drivers/memory/parking.ts'
export { seededRandom } from './drivers/memory/random.ts'
export { memoryRetries } from './drivers/memory/retries.ts'
export { memorySagaSearch } from './drivers/memory/saga-search.ts'
export { memorySagas } from './drivers/memory/sagas.ts'
export { type MemorySession, memorySession } from './drivers/memory/session.ts'
export { memorySnapshots } from './drivers/memory/snapshots.ts'
export { memoryStepFence } from './drivers/memory/step-fence.ts'
export { memoryStreamIndex } from './drivers/memory/stream-index.ts'
export { memoryUnitOfWork } from './drivers/memory/unit-of-work.ts'
export { memoryVault } from './drivers/memory/vault.ts'
export { memoryBell } from './drivers/memory/wake-up.ts'
