import { memoryOutbox } from '../drivers/memory/outbox.ts'
import { memoryUnitOfWork } from '../drivers/memory/unit-of-work.ts'
import { publisher } from '../outbox/publisher.ts'
import { Done } from './events.ts'
import type { World } from './world.ts'

const tasks = 3
const keys = ['a', 'b', 'c', 'd', 'e']

/** How many operations each task of a producer has begun: what a new life of its process goes on from. */
export type Begun = number[]

/** Runs a process whose tasks write and publish; resolves when all have done their operations. */
export async function produce(world: World, process: string, operations: number, begun: Begun): Promise<void> {
  const interrupt = world.turns.interrupt(process)
  const { clock, random, mutant } = world
  const session = { database: world.producerDatabase, owner: process, interrupt }
  const outbox = memoryOutbox(session, 'producer', {
    hasLogLock: mutant !== 'no log lock',
    hasKeyLock: mutant !== 'no key lock',
  })
  const publish = publisher({ outbox, clock, random })
  const unitOfWork = memoryUnitOfWork(session)

  async function operate(operation: string): Promise<void> {
    const chosen = [...new Set([pick(world), ...(random.fraction() < 0.3 ? [pick(world)] : [])])]
    const writes = chosen.map((key) => ({ operation: `${operation}/${key}`, key }))
    await unitOfWork.run(async (tx) => {
      await interrupt('business write')
      if (random.fraction() < 0.15) {
        await tx.savepoint(async () => {
          await publish(tx, Done({ operation: `${operation}/undone`, key: chosen[0] ?? 'a' }))
          throw new Error('to the savepoint')
        })
      }
      await publish(tx, ...writes.map((write) => Done(write)))
      for (const write of writes) tx.insert('committed', write)
      // Some stay open while others publish and commit, some for long.
      if (random.fraction() < 0.3) await clock.sleep(random.fraction() * 40)
      if (random.fraction() < 0.5) await interrupt('a pause before the end')
      if (random.fraction() < 0.12) throw new Error('roll back')
    })
  }

  const task = async (number: number): Promise<void> => {
    for (let at = begun[number] ?? 0; at < operations / tasks; at++) {
      // Here a task that was killed in its sleep ends, before it notes anything.
      await interrupt('next operation').catch(() => {})
      begun[number] = at + 1
      // An operation that failed, or whose outcome is unknown, is not repeated: the journals know what committed.
      await operate(`${process}/${number}/${at}`).catch(() => {})
      await clock.sleep(random.fraction() * 20)
    }
  }
  await Promise.all(Array.from({ length: tasks }, (_, number) => task(number)))
}

function pick({ random }: World): string {
  return keys[Math.floor(random.fraction() * keys.length)] ?? 'a'
}
