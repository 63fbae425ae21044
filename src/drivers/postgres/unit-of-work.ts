import { EstafetError, isEstafetError } from '../../message/errors.ts'
import type { UnitOfWork } from '../../ports/unit-of-work.ts'
import {
  idleTooLong,
  isIdleTimeout,
  isReadTimeout,
  readTooLong,
  rolledBack,
  translate,
  translateConflict,
} from './failure.ts'
import { hearErrors } from './heard-errors.ts'
import { holdFlush } from './hold-flush.ts'
import { duringTransaction, isPipelining, sendAhead, takePublished } from './open-transaction.ts'
import type { Sql, SqlClient, SqlPool } from './sql.ts'

export interface UnitOfWorkOptions {
  /**
   * After how long the server ends a transaction of ours that sends nothing: a frozen process must not keep its locks. A
   * handler that sends nothing for so long has TIMED_OUT. (Default: 10 s.)
   */
  readonly idleInTransactionMs?: number
  /** Called after each commit of a transaction that published. */
  readonly committed?: () => void
}

/** Transactions on clients of a pool. */
export function postgresUnitOfWork(pool: SqlPool, options: UnitOfWorkOptions = {}): UnitOfWork<Sql> {
  const idleMs = options.idleInTransactionMs ?? 10_000
  const prepared = new WeakSet<SqlClient>()
  hearErrors(pool)
  return {
    async run(work, last) {
      const client = await connect(pool)
      let failure: Error | undefined
      let isCommitting = false
      const note = (error: Error): void => {
        // The first says why; those after it only that the connection is gone.
        failure ??= error
      }
      // Without a listener, an idle client's lost connection would end the process.
      client.on('error', note)
      try {
        if (!prepared.has(client)) {
          await sendAhead(client, client.query(`SET idle_in_transaction_session_timeout = ${Math.trunc(idleMs)}`))
          prepared.add(client)
        }
        const result = await duringTransaction(client, async () => {
          const done = await begin(client, work)
          isCommitting = true
          await commit(client, last)
          return done
        })
        if (takePublished(client)) options.committed?.()
        return result
      } catch (error) {
        takePublished(client)
        const ended = failure
        // What took too long may still be sending: the connection goes, and the server rolls back.
        // Of COMMIT the outcome is unknown; before it, nothing was kept.
        const late = isReadTimeout(error) && !isCommitting ? readTooLong(error) : error
        failure = isEstafetError(late, 'TIMED_OUT') ? late : ((await rollBack(client)) ?? failure)
        // A connection that can still roll back did not fail: then the error is what the work made of it.
        if (failure === undefined) throw translateConflict(error)
        throw isIdleTimeout(ended) ? idleTooLong(ended) : translate(late, failure)
      } finally {
        client.off('error', note)
        client.release(failure)
      }
    },
  }
}

/** Runs the work; where the client pipelines, BEGIN travels with the work's first statements. */
async function begin<Result>(client: SqlClient, work: (tx: Sql) => Promise<Result>): Promise<Result> {
  if (!isPipelining(client)) {
    await client.query('BEGIN')
    return work(client)
  }
  const flush = holdFlush(client)
  const begun = client.query('BEGIN')
  begun.catch(() => {})
  let working: Promise<Result>
  try {
    working = work(client)
  } finally {
    flush()
  }
  const result = await working
  // Its answer came before those of the work: a BEGIN that failed must not be followed by COMMIT.
  await begun
  return result
}

async function commit(client: SqlClient, last: ((tx: Sql) => Promise<unknown>) | undefined): Promise<void> {
  const isAhead = isPipelining(client)
  const flush = isAhead ? holdFlush(client) : () => {}
  try {
    const sent = last?.(client) ?? Promise.resolve()
    await (isAhead ? refuseEarly(sent) : sent)
    const committing = client.query('COMMIT')
    committing.catch(() => {})
    flush()
    // Its own error says more than the ROLLBACK that answers COMMIT.
    await sent
    const { command } = await committing
    if (command !== 'COMMIT') throw rolledBack()
  } finally {
    flush()
  }
}

/** Throws what failed before anything was sent; the server knows nothing of that, and would commit the rest. */
async function refuseEarly(sent: Promise<unknown>): Promise<void> {
  let early: { readonly error: unknown } | null = null
  sent.catch((error: unknown) => {
    early = { error }
  })
  // An async function that throws at once takes some turns to reject through those that wrap it; no answer is as quick.
  for (let turn = 0; turn < 8; turn++) await Promise.resolve()
  const found: { readonly error: unknown } | null = early
  if (found !== null) await sent
}

async function connect(pool: SqlPool): Promise<SqlClient> {
  try {
    return await pool.connect()
  } catch (error) {
    const translated = translate(error)
    if (translated instanceof EstafetError) throw translated
    throw new EstafetError('UNAVAILABLE', 'No database connection could be made.', { cause: error })
  }
}

/** Resolves to why the connection must not be used again, if so. */
async function rollBack(client: SqlClient): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error('ROLLBACK failed')
  }
}
