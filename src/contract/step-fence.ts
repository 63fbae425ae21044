import type { StepFence } from '../ports/step-fence.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import { type Clause, rejects, same, settlesWithin } from './clause.ts'
import type { OpenTransaction } from './log.ts'

/** What a driver's test gives to the clauses of StepFence: an empty database. */
export interface StepFenceDriver<Tx> {
  readonly fence: StepFence<Tx>
  readonly unitOfWork: UnitOfWork<Tx>
  begin(): Promise<OpenTransaction<Tx>>
  /** Time enough to see that somebody waits. */
  moment(): Promise<void>
}

/** The promises of StepFence: what became of a step is known to whoever takes it, and to one at a time. */
export function stepFenceClauses<Tx>(): readonly Clause<StepFenceDriver<Tx>>[] {
  return [
    {
      says: 'a step is new until it is settled, each by itself',
      async holds(driver) {
        same(await taken(driver, 'a'), ['new', null], 'a step that nobody knows')
        same(await taken(driver, 'a'), ['new', null], 'a step that was taken and not settled')
        await settled(driver, 'a', 'done')
        same(await taken(driver, 'a'), ['done', 'answer of a'], 'a settled step')
        same(await taken(driver, 'b'), ['new', null], 'another one')
      },
    },
    {
      says: 'the last that a step was settled as is what became of it, also in its own transaction',
      async holds(driver) {
        for (const state of ['refused', 'done', 'cancelled'] as const) {
          await driver.unitOfWork.run(async (tx) => {
            await driver.fence.take(tx, 'a')
            await driver.fence.settle(tx, 'a', state, `as ${state}`)
            const { answer } = await driver.fence.take(tx, 'a')
            same(answer, `as ${state}`, 'the answer in the transaction')
          })
          same(await taken(driver, 'a'), [state, `as ${state}`], 'the step')
        }
      },
    },
    {
      says: 'a step that is settled in a transaction that is rolled back is as it was',
      async holds(driver) {
        const undone = driver.unitOfWork.run(async (tx) => {
          await driver.fence.take(tx, 'a')
          await driver.fence.settle(tx, 'a', 'done', 'x')
          throw new Error('undone')
        })
        await rejects(undone, 'Error: undone')
        same(await taken(driver, 'a'), ['new', null], 'the step')
      },
    },
    {
      says: 'who takes a step that another transaction has taken waits for its end, and sees what became of it',
      async holds(driver) {
        const first = await driver.begin()
        await driver.fence.take(first.tx, 'a')
        const second = taken(driver, 'a')
        same(await settlesWithin(driver.moment(), second), false, 'whether the second was done before the first')
        await driver.fence.settle(first.tx, 'a', 'done', 'answer of a')
        await first.commit()
        same(await second, ['done', 'answer of a'], 'what the second saw')
      },
    },
    {
      says: 'steps are forgotten after their time, and not before',
      async holds(driver) {
        await settled(driver, 'a', 'done')
        await driver.unitOfWork.run((tx) => driver.fence.forget(tx, 1))
        same(await taken(driver, 'a'), ['done', 'answer of a'], 'the step')
        await driver.moment()
        await driver.unitOfWork.run((tx) => driver.fence.forget(tx, 0))
        same(await taken(driver, 'a'), ['new', null], 'the step once it is forgotten')
      },
    },
  ]
}

async function taken<Tx>({ fence, unitOfWork }: StepFenceDriver<Tx>, step: string): Promise<unknown> {
  const { state, answer } = await unitOfWork.run((tx) => fence.take(tx, step))
  return [state, answer]
}

async function settled<Tx>(
  { fence, unitOfWork }: StepFenceDriver<Tx>,
  step: string,
  state: 'done' | 'refused' | 'cancelled',
): Promise<void> {
  await unitOfWork.run(async (tx) => {
    await fence.take(tx, step)
    await fence.settle(tx, step, state, `answer of ${step}`)
  })
}
