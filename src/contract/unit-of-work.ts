import type { UnitOfWork } from '../ports/unit-of-work.ts'
import { type Clause, holds, rejects, same } from './clause.ts'

/** What a driver's test gives to these clauses: an empty database, a place for effects, and two kinds of trouble. */
export interface UnitOfWorkDriver<Tx> {
  readonly unitOfWork: UnitOfWork<Tx>
  note(tx: Tx, effect: string): Promise<void>
  /** The committed effects, as somebody else sees them. */
  notes(): Promise<readonly string[]>
  /** Sends a statement that the database refuses, and rejects with its answer. */
  fail(tx: Tx): Promise<void>
  /** Ends the transaction's connection from the other side, and resolves when it is gone. */
  cut(tx: Tx): Promise<void>
}

/** The promises of UnitOfWork: all or nothing, and the truth about which. */
export function unitOfWorkClauses<Tx>(): readonly Clause<UnitOfWorkDriver<Tx>>[] {
  return [
    {
      says: 'work that resolves is committed, and its result handed on',
      async holds({ unitOfWork, note, notes }) {
        const result = await unitOfWork.run(async (tx) => {
          await note(tx, 'kept')
          same(await notes(), [], 'what others see before the commit')
          return 7
        })
        same([result, await notes()], [7, ['kept']], 'the result and the effects')
      },
    },
    {
      says: 'work that rejects is rolled back, and rejects alike',
      async holds({ unitOfWork, note, notes }) {
        const failing = unitOfWork.run(async (tx) => {
          await note(tx, 'undone')
          throw onPurpose()
        })
        await rejects(failing, 'ON_PURPOSE')
        await unitOfWork.run((tx) => note(tx, 'another'))
        same(await notes(), ['another'], 'the effects')
      },
    },
    ...lastClauses<Tx>(),
    ...troubleClauses<Tx>(),
  ]
}

function lastClauses<Tx>(): readonly Clause<UnitOfWorkDriver<Tx>>[] {
  return [
    {
      says: 'what comes last runs after the work, in its transaction',
      async holds({ unitOfWork, note, notes }) {
        const result = await unitOfWork.run(
          (tx) => note(tx, 'first').then(() => 'of the work'),
          (tx) => Promise.all([note(tx, 'second'), note(tx, 'third')]),
        )
        same([result, await notes()], ['of the work', ['first', 'second', 'third']], 'the result and the effects')
      },
    },
    {
      says: 'what comes last does not run when the work has failed',
      async holds({ unitOfWork, note, notes }) {
        let hasRun = false
        const failing = unitOfWork.run(
          () => Promise.reject(onPurpose()),
          async (tx) => {
            hasRun = true
            await note(tx, 'last')
          },
        )
        await rejects(failing, 'ON_PURPOSE')
        same([hasRun, await notes()], [false, []], 'whether it ran, and the effects')
      },
    },
    {
      says: 'when what comes last rejects, everything is rolled back, and that is the error',
      async holds({ unitOfWork, note, notes }) {
        const rejecting = unitOfWork.run(
          (tx) => note(tx, 'undone'),
          async () => Promise.reject(onPurpose()),
        )
        await rejects(rejecting, 'ON_PURPOSE')
        same(await notes(), [], 'the effects')
      },
    },
    {
      says: 'when a statement of what comes last fails, everything is rolled back',
      async holds({ unitOfWork, note, notes, fail }) {
        const failing = unitOfWork.run(
          (tx) => note(tx, 'undone'),
          (tx) => Promise.all([fail(tx), note(tx, 'undone too')]),
        )
        const outcome = await failing.then(
          () => 'committed',
          () => 'rejected',
        )
        same([outcome, await notes()], ['rejected', []], 'the outcome and the effects')
      },
    },
  ]
}

function troubleClauses<Tx>(): readonly Clause<UnitOfWorkDriver<Tx>>[] {
  return [
    {
      says: 'a statement that failed and that nobody looked at makes the commit a CONFLICT, and nothing is written',
      async holds({ unitOfWork, note, notes, fail }) {
        const careless = unitOfWork.run(async (tx) => {
          await note(tx, 'undone')
          await fail(tx).catch(() => {})
        })
        await rejects(careless, 'CONFLICT')
        same(await notes(), [], 'the effects')
      },
    },
    {
      says: 'a connection lost before the commit is UNAVAILABLE, nothing is written, and the next transaction works',
      async holds({ unitOfWork, note, notes, cut }) {
        const lost = unitOfWork.run(async (tx) => {
          await note(tx, 'undone')
          await cut(tx)
        })
        await rejects(lost, 'UNAVAILABLE')
        same(await notes(), [], 'the effects')
        await unitOfWork.run((tx) => note(tx, 'kept'))
        same(await notes(), ['kept'], 'the effects of the next transaction')
      },
    },
    {
      says: 'transactions side by side do not wait for each other, and end apart',
      async holds({ unitOfWork, note, notes }) {
        const [inner, outer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
        const first = unitOfWork.run(async (tx) => {
          await note(tx, 'outer')
          outer.resolve()
          await inner.promise
          throw onPurpose()
        })
        first.catch(() => {})
        await outer.promise
        await unitOfWork.run((tx) => note(tx, 'inner'))
        inner.resolve()
        await rejects(first, 'ON_PURPOSE')
        const seen = await notes()
        holds(seen.length === 1 && seen[0] === 'inner', `only the inner one is committed, not ${seen.join()}`)
      },
    },
  ]
}

function onPurpose(): Error {
  return Object.assign(new Error('on purpose'), { code: 'ON_PURPOSE' })
}
