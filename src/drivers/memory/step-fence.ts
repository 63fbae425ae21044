import type { FencedStep, StepFence } from '../../ports/step-fence.ts'
import type { MemoryTransaction } from './database.ts'
import type { MemorySession } from './session.ts'

interface Kept extends FencedStep {
  readonly at: number
}

/** The steps of a service, in a memory database. */
export function memoryStepFence({ database, interrupt }: MemorySession): StepFence<MemoryTransaction> {
  const all = database.table<Kept>('step')
  const own = new WeakMap<MemoryTransaction, Map<string, FencedStep>>()
  return {
    take(tx, step) {
      return database.statement(tx, async () => {
        await interrupt('take step')
        await database.lock(tx, `step ${step}`, 'exclusive')
        return own.get(tx)?.get(step) ?? all.get(step) ?? { state: 'new', answer: null }
      })
    },

    settle(tx, step, state, answer) {
      return database.statement(tx, async () => {
        await interrupt('settle step')
        const mine = own.get(tx) ?? new Map<string, FencedStep>()
        own.set(tx, mine.set(step, { state, answer }))
        tx.atCommit(() => void all.set(step, { state, answer, at: database.clock.now() }))
      })
    },

    forget(tx, days) {
      return database.statement(tx, async () => {
        await interrupt('forget steps')
        const before = database.clock.now() - days * 86_400_000
        tx.atCommit(() => {
          for (const [step, { at }] of all) if (at <= before) all.delete(step)
        })
      })
    },
  }
}
