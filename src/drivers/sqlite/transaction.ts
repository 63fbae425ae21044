import { performance } from 'node:perf_hooks'
import type { DatabaseSync } from 'node:sqlite'
import { EstafetError } from '../../message/errors.ts'
import { isTrouble } from './failure.ts'
import { prepared, type SqliteRow, type SqliteValue } from './statements.ts'

/**
 * A transaction of a SQLite database: what handlers and `transaction` are given. Values are bound to `?`, never put into
 * the text, which is one statement.
 *
 * Every method answers at once. Throws what SQLite says; after that nothing of the transaction can be committed, and later
 * statements throw CONFLICT. Throws UNSUPPORTED for BEGIN, COMMIT, ROLLBACK and savepoints, and UNAVAILABLE once the
 * transaction is over: committed, rolled back, or taken away because its time was up.
 */
export interface SqliteTransaction {
  /** Runs a statement and tells how many rows it changed. */
  run(sql: string, ...values: readonly SqliteValue[]): SqliteChanges
  /** The first row of the answer. */
  get(sql: string, ...values: readonly SqliteValue[]): SqliteRow | undefined
  /** All rows of the answer. */
  all(sql: string, ...values: readonly SqliteValue[]): readonly SqliteRow[]
}

export interface SqliteChanges {
  readonly changes: number | bigint
  readonly lastInsertRowid: number | bigint
}

/** What the driver knows of a transaction and its user does not. */
export interface OpenTransaction {
  readonly tx: SqliteTransaction
  readonly database: DatabaseSync
  isOver: boolean
  /** True when it can only be rolled back. */
  isDoomed: boolean
  /** Trouble with the file that one of its statements met. */
  trouble: unknown
  /** When its last statement ended, by `performance.now()`. */
  usedAt: number
  /** Rows that it has changed and that others must not wait for. */
  readonly locks: Set<string>
}

const open = new WeakMap<SqliteTransaction, OpenTransaction>()

/** A transaction on a connection on which BEGIN was sent. */
export function openTransaction(database: DatabaseSync): OpenTransaction {
  const tx: SqliteTransaction = {
    run: (sql, ...values) => statement(own, sql, () => prepared(database, sql).run(...values)),
    get: (sql, ...values) => statement(own, sql, () => prepared(database, sql).get(...values)),
    all: (sql, ...values) => statement(own, sql, () => prepared(database, sql).all(...values)),
  }
  const own: OpenTransaction = {
    ...{ tx, database, isOver: false, isDoomed: false, trouble: null, usedAt: performance.now(), locks: new Set() },
  }
  open.set(tx, own)
  return own
}

/** Lets a transaction do nothing but roll back. */
export function doom(tx: SqliteTransaction): void {
  const own = open.get(tx)
  if (own !== undefined) own.isDoomed = true
}

/** Notes that a transaction has changed a row: see `SqliteConnection.isLocked`. */
export function lock(tx: SqliteTransaction, name: string): void {
  open.get(tx)?.locks.add(name)
}

/** The error of a transaction one of whose statements had failed. */
export function rolledBack(): EstafetError {
  return new EstafetError('CONFLICT', 'The transaction is rolled back: one of its statements had failed.')
}

const transactionWords =
  /^(?:\s|;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*(?:begin|commit|end|rollback|savepoint|release)\b/i

function statement<Result>(own: OpenTransaction, sql: string, run: () => Result): Result {
  if (own.isOver) throw new EstafetError('UNAVAILABLE', 'The transaction is over; nothing was done.')
  // Some failures end the transaction within SQLite: what came after would be committed by itself.
  if (own.isDoomed) throw rolledBack()
  if (transactionWords.test(sql)) {
    own.isDoomed = true
    throw new EstafetError(
      'UNSUPPORTED',
      'A transaction is begun and ended by the toolkit: resolve to commit, throw to roll back.',
    )
  }
  try {
    return run()
  } catch (error) {
    own.isDoomed = true
    if (isTrouble(error)) own.trouble = error
    throw error
  } finally {
    own.usedAt = performance.now()
  }
}
