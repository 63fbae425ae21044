import type { MemoryBroker } from '../drivers/memory/broker.ts'
import type { VirtualClock } from '../drivers/memory/clock.ts'
import type { MemoryDatabase } from '../drivers/memory/database.ts'
import type { Random } from '../ports/random.ts'
import type { Mutant } from './mutants.ts'
import type { Scheduler } from './scheduler.ts'

/** What all processes of a simulation share. */
export interface World {
  readonly clock: VirtualClock
  readonly random: Random
  readonly turns: Scheduler
  readonly via: 'log' | 'broker'
  readonly mutant: Mutant | null
  readonly producerDatabase: MemoryDatabase
  readonly subscriberDatabase: MemoryDatabase
  readonly broker: MemoryBroker
  readonly leaseMs: number
}
