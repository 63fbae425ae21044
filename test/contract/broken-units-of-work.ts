import type { UnitOfWorkDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { memoryUnitOfWorkDriver } from './memory-driver.ts'

type Driver = UnitOfWorkDriver<MemoryTransaction>
type Work = (tx: MemoryTransaction) => Promise<unknown>

/** Units of work that each break one promise, by what is wrong with them. */
export const brokenUnitsOfWork: Readonly<Record<string, () => Driver>> = {
  'commits work that rejects': () =>
    withRun(async (driver, work, last) => {
      let failure: unknown
      await driver.unitOfWork.run(async (tx) => {
        await work(tx).catch((error: unknown) => {
          failure = error
        })
        await last?.(tx)
      })
      if (failure !== undefined) throw failure
    }),
  'hands no result on': () =>
    withRun((driver, work, last) => driver.unitOfWork.run(async (tx) => void (await work(tx)), last)),
  'commits nothing': () =>
    withRun(async (driver, work, last) => {
      let result: unknown
      const undone = driver.unitOfWork.run(async (tx) => {
        result = await work(tx)
        await last?.(tx)
        throw new Error('never committed')
      })
      await undone.catch((error: unknown) => {
        if (result === undefined) throw error
      })
      return result
    }),
  'runs what comes last in a transaction of its own': () =>
    withRun(async (driver, work, last) => {
      const result = await driver.unitOfWork.run(work)
      if (last !== undefined) await driver.unitOfWork.run(last)
      return result
    }),
  'runs what comes last first': () =>
    withRun((driver, work, last) =>
      driver.unitOfWork.run(async (tx) => {
        await last?.(tx)
        return work(tx)
      }),
    ),
  'forgets what comes last': () => withRun((driver, work) => driver.unitOfWork.run(work)),
  'commits although what comes last rejects': () =>
    withRun((driver, work, last) => driver.unitOfWork.run(work, async (tx) => last?.(tx).catch(() => {}))),
  'runs what comes last although the work has failed': () =>
    withRun((driver, work, last) =>
      driver.unitOfWork.run(async (tx) => {
        const result = await work(tx).catch(async (error: unknown) => {
          await last?.(tx)
          throw error
        })
        await last?.(tx)
        return result
      }),
    ),
  'keeps quiet about a statement that failed': () =>
    withRun((driver, work, last) =>
      driver.unitOfWork.run(work, last).catch((error: unknown) => {
        if (!hasCode(error, 'CONFLICT')) throw error
      }),
    ),
  'takes a lost connection for success': () =>
    withRun((driver, work, last) =>
      driver.unitOfWork.run(work, last).catch((error: unknown) => {
        if (!hasCode(error, 'UNAVAILABLE')) throw error
      }),
    ),
  'shows what is not committed': () => {
    const driver = memoryUnitOfWorkDriver()
    const early: string[] = []
    return {
      ...driver,
      note: async (tx, effect) => {
        early.push(effect)
        await driver.note(tx, effect)
      },
      notes: () => Promise.resolve(early),
    }
  },
  'lets one transaction wait for another': () => {
    let before: Promise<unknown> = Promise.resolve()
    return withRun((driver, work, last) => {
      const running = before.then(() => driver.unitOfWork.run(work, last))
      before = running.catch(() => {})
      return running
    })
  },
}

function withRun(run: (driver: Driver, work: Work, last: Work | undefined) => Promise<unknown>): Driver {
  const driver = memoryUnitOfWorkDriver()
  return {
    ...driver,
    unitOfWork: {
      async run<Result>(work: (tx: MemoryTransaction) => Promise<Result>, last?: Work) {
        return (await run(driver, work, last)) as Result
      },
    },
  }
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code
}
