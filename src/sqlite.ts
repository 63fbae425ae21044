import type { DatabaseSync } from 'node:sqlite'
import {
  type Handler,
  type HandlerContext,
  type HandlerOptions,
  on as onAny,
  onMany as onManyAny,
} from './delivery/handler.ts'
import { openConnection } from './drivers/sqlite/connection.ts'
import { sqliteInbox } from './drivers/sqlite/inbox.ts'
import { sqliteLaneStore } from './drivers/sqlite/lane-store.ts'
import { checkMigrations } from './drivers/sqlite/migrate.ts'
import { sqliteParking } from './drivers/sqlite/parking.ts'
import { sqliteRetries } from './drivers/sqlite/retries.ts'
import type { SqliteTransaction } from './drivers/sqlite/transaction.ts'
import { sqliteUnitOfWork } from './drivers/sqlite/unit-of-work.ts'
import { EstafetError } from './message/errors.ts'
import type { EventType } from './message/event.ts'
import type { ReceivedMessage } from './message/message.ts'
import type { Store } from './runtime/store.ts'

export { type MigrationResult, migrate } from './drivers/sqlite/migrate.ts'
export type { SqliteRow, SqliteValue } from './drivers/sqlite/statements.ts'
export type { SqliteChanges, SqliteTransaction } from './drivers/sqlite/transaction.ts'

/** `on` for handlers whose transaction is SQLite's. */
export const on: <Data>(
  event: EventType<never, Data>,
  handle: (event: ReceivedMessage<Data>, context: HandlerContext<SqliteTransaction>) => Promise<void>,
  options?: HandlerOptions,
) => Handler<SqliteTransaction> = onAny

/** `onMany` for handlers whose transaction is SQLite's. */
export const onMany: <Data>(
  event: EventType<never, Data>,
  handle: (events: readonly ReceivedMessage<Data>[], context: HandlerContext<SqliteTransaction>) => Promise<void>,
  options?: HandlerOptions,
) => Handler<SqliteTransaction> = onManyAny

export interface SqliteOptions {
  /**
   * After how long a transaction that sends nothing is rolled back and has TIMED_OUT: all others wait for it.
   * (Default: 10 s.)
   */
  readonly idleInTransactionMs?: number
  /** How long a transaction waits for its turn, in this process and against others, until it is UNAVAILABLE. (Default: 10 s.) */
  readonly patienceMs?: number
}

/** A service's own SQLite file. */
export interface SqliteStore extends Store<SqliteTransaction> {
  /**
   * Runs work in a transaction: commits when it resolves, rolls back when it rejects. One at a time, so another one must
   * not be begun and awaited within it.
   *
   * Throws CONFLICT when one of its statements had failed, UNAVAILABLE when its turn did not come in time, TIMED_OUT.
   */
  transaction<Result>(work: (tx: SqliteTransaction) => Promise<Result>): Promise<Result>
  /** Waits for the transaction that is open and closes the file; a connection that was given stays open. May be repeated. */
  close(): Promise<void>
}

/**
 * A service's own database in a SQLite file, by its path. `migrate` made its tables. Several processes may share it.
 *
 * A connection may be given instead, one with functions of your own: it is the store's from then on, and everything
 * that you do on it happens inside of whatever transaction is open.
 *
 * Throws MISCONFIGURED when the file cannot be used, when it is no file, or when migrations are missing, SCHEMA_DRIFT.
 */
export function sqlite(of: string | DatabaseSync, options: SqliteOptions = {}): SqliteStore {
  const { idleInTransactionMs = 10_000, patienceMs = 10_000 } = options
  refuseFaults({ idleInTransactionMs, patienceMs })
  const connection = openConnection(of, patienceMs)
  try {
    checkMigrations(connection.writer())
  } catch (error) {
    void connection.close()
    throw error
  }
  const unitOfWork = sqliteUnitOfWork(connection, idleInTransactionMs)
  return {
    unitOfWork,
    lanes: sqliteLaneStore(connection, unitOfWork),
    parking: sqliteParking(connection),
    retries: sqliteRetries(connection, unitOfWork),
    inbox: sqliteInbox(unitOfWork),
    prepare(messages) {
      if (messages.length > 0) throw withoutLog()
      return () => Promise.resolve()
    },
    // There is nothing to announce: a SQLite store has no log.
    announcer: () => ({ announce() {}, close: () => Promise.resolve() }),
    transaction: (work) => unitOfWork.run(work),
    close: () => connection.close(),
  }
}

function refuseFaults(options: Readonly<Record<string, number>>): void {
  const faults = Object.entries(options).filter(([, ms]) => !(ms >= 1 && ms <= longestMs))
  if (faults.length === 0) return
  const names = faults.map(([name, ms]) => `${name} (${ms})`).join(', ')
  throw new EstafetError('MISCONFIGURED', `A SQLite store needs times of 1 to ${longestMs} ms for: ${names}.`)
}

/** The longest that a timer of Node waits. */
const longestMs = 2_147_483_647

function withoutLog(): EstafetError {
  return new EstafetError(
    'UNSUPPORTED',
    'A SQLite store has no log, so its handlers cannot publish: write what is to be told into a table of yours, or keep this service in PostgreSQL.',
  )
}
