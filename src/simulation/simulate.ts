import { virtualClock } from '../drivers/memory/clock.ts'
import { memoryDatabase } from '../drivers/memory/database.ts'
import { messagesOf } from '../drivers/memory/outbox.ts'
import { seededRandom } from '../drivers/memory/random.ts'
import { EstafetError } from '../message/errors.ts'
import type { Random } from '../ports/random.ts'
import type { Mutant } from './mutants.ts'
import { produce } from './producer.ts'
import { type Fate, type Scheduler, scheduler } from './scheduler.ts'
import { subscribe, type World } from './subscriber.ts'
import { type Entry, judge, type Verdict } from './verdict.ts'

export interface SimulationOptions {
  readonly seed: number
  /** Through a relay and a broker, or straight from the log. */
  readonly via: 'log' | 'broker'
  readonly operations?: number
  readonly mutant?: Mutant
}

const producers = ['producer-1', 'producer-2']
const subscribers = ['subscriber-1', 'subscriber-2']
const relays = ['relay-1', 'relay-2']
const stepLimit = 20_000
/** Steps after the last effect in which a doubled one would show. */
const settleSteps = 400

/**
 * Runs producers, relays and subscribers, the production loops, in one thread under faults that the seed decides: failures
 * between any two steps, lost answers of COMMIT, killed and frozen processes, a crashing database. The faults end with
 * the producers' work; then everything must drain.
 */
export async function simulate(options: SimulationOptions): Promise<Verdict> {
  const random = seededRandom(options.seed)
  const clock = virtualClock()
  const failure = (): Error => new EstafetError('UNAVAILABLE', 'The simulated connection failed.')
  const turns = scheduler(clock, random, failure)
  const world: World = {
    ...{ clock, random, turns, via: options.via, mutant: options.mutant ?? null },
    producerDatabase: memoryDatabase(clock),
    subscriberDatabase: memoryDatabase(clock),
    broker: { partitions: 3, topics: new Map() },
    leaseMs: 400,
  }
  const operations = options.operations ?? 30
  let left = producers.length
  for (const process of producers) void produce(world, process, operations).then(() => left--)
  const begin = (process: string): void => subscribe(world, process)
  const others = options.via === 'broker' ? [...subscribers, ...relays] : subscribers
  for (const process of others) begin(process)

  const committed = (): readonly Entry[] => entries(world.producerDatabase.rows('committed'))
  const effects = (): readonly Entry[] => entries(world.subscriberDatabase.rows('effect'))
  const faults = faultPlan(world, random, turns, { begin, others, producers })
  let settled = 0
  let steps = 0
  for (; steps < stepLimit && settled < settleSteps; steps++) {
    const isOver = left === 0
    if (!(await turns.step(isOver ? () => 'go on' : faults))) break
    const isDrained = isOver && new Set(effects().map(({ operation }) => operation)).size >= committed().length
    settled = isDrained ? settled + 1 : 0
  }
  const followUps = [...messagesOf(world.subscriberDatabase).values()].map(({ payload }) =>
    entryOf(JSON.parse(payload)),
  )
  return judge(options.seed, steps, { committed: committed(), effects: effects(), followUps })
}

function faultPlan(
  world: World,
  random: Random,
  turns: Scheduler,
  who: {
    readonly begin: (process: string) => void
    readonly others: readonly string[]
    readonly producers: readonly string[]
  },
): (process: string, point: string) => Fate {
  const kill = (process: string): void => {
    turns.kill(process)
    world.producerDatabase.disconnect(process)
    world.subscriberDatabase.disconnect(process)
    void world.clock.sleep(random.fraction() * 300).then(() => who.begin(process))
  }
  return (process, point) => {
    const chance = random.fraction()
    if (chance < 0.004 && who.others.includes(process)) {
      kill(process)
      return 'stop for good'
    }
    if (chance < 0.008) {
      const ms = world.leaseMs * (0.5 + 3 * random.fraction())
      turns.pause(process, ms)
      // The server ends what a frozen process left open, but not at once.
      if (random.fraction() < 0.5) {
        void world.clock.sleep(ms / 2).then(() => {
          world.producerDatabase.disconnect(process)
          world.subscriberDatabase.disconnect(process)
        })
      }
    } else if (chance < 0.009) {
      crash(world)
    } else if (chance < 0.03 || (point === 'after commit' && chance < 0.06)) {
      return 'fail'
    }
    return 'go on'
  }
}

function crash(world: World): void {
  for (const database of [world.producerDatabase, world.subscriberDatabase]) {
    const positions = [...messagesOf(database).values()].map(({ position }) => position)
    database.crash(positions.reduce((highest, position) => (position > highest ? position : highest), 0n))
  }
}

function entries(rows: readonly unknown[]): readonly Entry[] {
  return rows.map(entryOf)
}

function entryOf(row: unknown): Entry {
  if (typeof row === 'object' && row !== null && 'operation' in row && 'key' in row) {
    return { operation: String(row.operation), key: String(row.key) }
  }
  throw new Error('A journal holds something else.')
}
