import { AsyncLocalStorage } from 'node:async_hooks'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { EstafetError } from '../../message/errors.ts'
import type { UnitOfWork } from '../../ports/unit-of-work.ts'
import { patiently, type SqliteConnection } from './connection.ts'
import { isTrouble, translate } from './failure.ts'
import { type OpenTransaction, openTransaction, rolledBack, type SqliteTransaction } from './transaction.ts'

/** How long a transaction may send nothing unless its store says otherwise. */
export const defaultIdleMs = 10_000

/** The transaction that a piece of work runs in: begun within it, a second one would wait for it until both give up. */
const within = new AsyncLocalStorage<OpenTransaction>()

/**
 * Transactions on the one connection that writes, each in its turn; one that sends nothing for `idleMs` is rolled back
 * and has TIMED_OUT, since all others wait for it.
 */
export function sqliteUnitOfWork(
  connection: SqliteConnection,
  idleMs: number = defaultIdleMs,
): UnitOfWork<SqliteTransaction> {
  return {
    async run(work, last) {
      const around = within.getStore()
      if (around !== undefined && around === connection.current) throw nested()
      const leave = await connection.turns.take(connection.patienceMs)
      try {
        const own = await begin(connection)
        connection.current = own
        try {
          const result = await inTime(own, idleMs, () =>
            within.run(own, async () => {
              const done = await work(own.tx)
              await last?.(own.tx)
              return done
            }),
          )
          commit(own)
          return result
        } catch (error) {
          throw rollBack(own, error)
        } finally {
          connection.current = null
        }
      } finally {
        leave()
      }
    },
  }
}

/** IMMEDIATE: the lock comes first, so that nothing that was read can be out of date when it is written. */
async function begin(connection: SqliteConnection): Promise<OpenTransaction> {
  return patiently(connection.patienceMs, () => {
    const database = connection.writer()
    if (database.isTransaction) {
      throw new EstafetError(
        'MISCONFIGURED',
        'A transaction that the store did not begin is open on its SQLite connection: leave that connection to the store.',
      )
    }
    database.exec('BEGIN IMMEDIATE')
    return openTransaction(database)
  })
}

function commit(own: OpenTransaction): void {
  if (own.isDoomed) throw own.trouble ?? rolledBack()
  try {
    own.database.exec('COMMIT')
    own.isOver = true
  } catch (error) {
    if (isTrouble(error)) own.trouble = error
    throw error
  }
}

/**
 * Ends a transaction and returns why: trouble with the file comes before whatever the work made of it. All else is what
 * the work threw, also if that is about another database of its own.
 */
function rollBack(own: OpenTransaction, error: unknown): unknown {
  // First of all: work that goes on must not write into the transaction after this one.
  own.isOver = true
  try {
    if (own.database.isTransaction) own.database.exec('ROLLBACK')
  } catch (trouble) {
    own.trouble ??= trouble
  }
  return own.trouble === null ? error : translate(own.trouble)
}

/** Waits for work, and no longer than it may send nothing. */
async function inTime<Result>(own: OpenTransaction, idleMs: number, work: () => Promise<Result>): Promise<Result> {
  const settled = new AbortController()
  const idle = refuseIdle(own, idleMs, settled.signal)
  const working = work()
  try {
    return await Promise.race([working, idle])
  } finally {
    settled.abort()
    // Whichever comes second has nobody to tell.
    idle.catch(() => {})
    working.catch(() => {})
  }
}

async function refuseIdle(own: OpenTransaction, idleMs: number, signal: AbortSignal): Promise<never> {
  for (;;) {
    const restMs = own.usedAt + idleMs - performance.now()
    if (restMs <= 0) {
      throw new EstafetError('TIMED_OUT', `The transaction sent nothing for ${idleMs} ms and was rolled back.`)
    }
    await sleep(restMs, undefined, { signal })
  }
}

function nested(): EstafetError {
  return new EstafetError(
    'UNSUPPORTED',
    'A transaction of a SQLite store was begun within another one, which it would have to wait for: use the one that is open.',
  )
}
