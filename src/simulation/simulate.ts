import { memoryBroker } from '../drivers/memory/broker.ts'
import { virtualClock } from '../drivers/memory/clock.ts'
import { memoryDatabase } from '../drivers/memory/database.ts'
import { messagesOf } from '../drivers/memory/outbox.ts'
import { seededRandom } from '../drivers/memory/random.ts'
import { EstafetError } from '../message/errors.ts'
import { faults } from './faults.ts'
import type { Mutant } from './mutants.ts'
import { type Begun, produce } from './producer.ts'
import { scheduler } from './scheduler.ts'
import { subscribe } from './subscriber.ts'
import { type Entry, judge, type Verdict } from './verdict.ts'
import type { World } from './world.ts'

export interface SimulationOptions {
  readonly seed: number
  /** Through a relay and a broker, or straight from the log. */
  readonly via: 'log' | 'broker'
  /** Of each of the two producers. (Default: 30.) */
  readonly operations?: number
  readonly mutant?: Mutant
}

const producers = ['producer-1', 'producer-2']
const subscribers = ['subscriber-1', 'subscriber-2']
const relays = ['relay-1', 'relay-2']
/** Steps after the last effect in which a doubled one would show. */
const settleSteps = 400
/** Steps without an effect, long beyond every lease and back-off, after which nothing more will come. */
const patienceSteps = 3_000
const stepLimit = 40_000

/**
 * Runs producers, relays and subscribers, the production loops, in one thread under faults that the seed decides: failures
 * between any two steps, lost answers of COMMIT, killed and frozen processes, a crashing database. The faults end with
 * the producers' work; then everything must drain.
 */
export async function simulate(options: SimulationOptions): Promise<Verdict> {
  const world = worldOf(options)
  const working = new Set(producers)
  const begun = new Map<string, Begun>(producers.map((process) => [process, []]))
  const begin = (process: string): void => {
    const ofProducer = begun.get(process)
    if (ofProducer === undefined) subscribe(world, process)
    else void produce(world, process, options.operations ?? 30, ofProducer).then(() => working.delete(process))
  }
  const processes = [...producers, ...subscribers, ...(options.via === 'broker' ? relays : [])]
  for (const process of processes) begin(process)

  const fates = faults(world, { processes, begin })
  let [steps, quiet, seen] = [0, 0, 0]
  for (; steps < stepLimit; steps++) {
    const isOver = working.size === 0
    if (!(await world.turns.step(isOver ? () => 'go on' : fates))) break
    const effects = world.subscriberDatabase.rows('effect').length
    quiet = isOver && effects === seen ? quiet + 1 : 0
    seen = effects
    if (quiet === patienceSteps || (quiet === settleSteps && isDrained(world))) break
  }
  return judge(options.seed, steps, journals(world))
}

function worldOf(options: SimulationOptions): World {
  const random = seededRandom(options.seed)
  const clock = virtualClock()
  const failure = (): Error => new EstafetError('UNAVAILABLE', 'The simulated connection failed.')
  return {
    ...{ clock, random, via: options.via, mutant: options.mutant ?? null, leaseMs: 400 },
    turns: scheduler(clock, random, failure),
    producerDatabase: memoryDatabase(clock),
    subscriberDatabase: memoryDatabase(clock),
    broker: memoryBroker(3),
  }
}

function isDrained(world: World): boolean {
  const { committed, effects } = journals(world)
  return new Set(effects.map(({ operation }) => operation)).size >= committed.length
}

function journals(world: World): {
  readonly committed: readonly Entry[]
  readonly effects: readonly Entry[]
  readonly followUps: readonly Entry[]
} {
  const inOrder = [...messagesOf(world.subscriberDatabase).values()].toSorted((a, b) => Number(a.position - b.position))
  return {
    committed: world.producerDatabase.rows('committed').map(entryOf),
    effects: world.subscriberDatabase.rows('effect').map(entryOf),
    followUps: inOrder.map(({ payload }) => entryOf(JSON.parse(payload))),
  }
}

function entryOf(row: unknown): Entry {
  if (typeof row === 'object' && row !== null && 'operation' in row && 'key' in row) {
    return { operation: String(row.operation), key: String(row.key) }
  }
  throw new Error('A journal holds something else.')
}
