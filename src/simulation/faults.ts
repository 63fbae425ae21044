import type { MemoryDatabase } from '../drivers/memory/database.ts'
import { messagesOf } from '../drivers/memory/outbox.ts'
import type { Fate } from './scheduler.ts'
import type { World } from './world.ts'

/** Who can be befallen, and how a process is begun again. */
export interface Cast {
  readonly processes: readonly string[]
  begin(process: string): void
}

/**
 * Decides, from the seed, what befalls the task that is about to go on: its connection fails, the answer of its COMMIT is
 * lost, its process is killed and started anew, or frozen beyond its lease; now and then both databases crash.
 */
export function faults(world: World, cast: Cast): (process: string, point: string) => Fate {
  const { random } = world
  return (process, point) => {
    const chance = random.fraction()
    if (chance < 0.004) {
      kill(world, cast, process)
      return 'stop for good'
    }
    if (chance < 0.008) freeze(world, process)
    else if (chance < 0.0105) crash(world)
    else if (chance < 0.03 || (point === 'after commit' && chance < 0.06)) return 'fail'
    return 'go on'
  }
}

function kill(world: World, cast: Cast, process: string): void {
  world.turns.kill(process)
  disconnect(world, process)
  void world.clock.sleep(world.random.fraction() * 300).then(() => cast.begin(process))
}

function freeze(world: World, process: string): void {
  const ms = world.leaseMs * (0.5 + 3 * world.random.fraction())
  world.turns.pause(process, ms)
  // The server ends what a frozen process left open, but not at once.
  if (world.random.fraction() < 0.5) void world.clock.sleep(ms / 2).then(() => disconnect(world, process))
}

function disconnect(world: World, process: string): void {
  world.producerDatabase.disconnect(process)
  world.subscriberDatabase.disconnect(process)
}

function crash(world: World): void {
  for (const database of [world.producerDatabase, world.subscriberDatabase])
    database.crash(drawnAfterCrash(world, database))
}

/** The sequence falls back as far as what was committed allows, or jumps ahead by what PostgreSQL logs in advance. */
function drawnAfterCrash({ random }: World, database: MemoryDatabase): bigint {
  const committed = [...messagesOf(database).values()].reduce(
    (last, { position }) => (position > last ? position : last),
    0n,
  )
  if (random.fraction() < 0.6) return committed
  return database.lastDrawn + BigInt(Math.floor(random.fraction() * 33))
}
