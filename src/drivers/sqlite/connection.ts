import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { performance } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { EstafetError } from '../../message/errors.ts'
import { isBusy, translate, translateOpening } from './failure.ts'
import { forget } from './statements.ts'
import type { OpenTransaction } from './transaction.ts'
import { giveWayMs, type Turns, turns } from './turns.ts'

/** A SQLite file as a process has it open: one connection that writes, and one that reads what is committed. */
export interface SqliteConnection {
  /** Its transactions, one at a time. */
  readonly turns: Turns
  /** How long anything waits for its turn, here or against other processes. */
  readonly patienceMs: number
  /** The transaction that is open now. */
  current: OpenTransaction | null
  /** The connection that writes. Throws UNAVAILABLE when it is closed for good. */
  writer(): DatabaseSync
  /** Reads what is committed, beside any transaction. Throws UNAVAILABLE. */
  read<Result>(work: (database: DatabaseSync) => Result): Promise<Result>
  /** Tells whether the open transaction of this process has changed a row, by the name that its `lock` was given. */
  isLocked(name: string): boolean
  /** Waits for the open transaction and closes what was opened here. May be repeated. */
  close(): Promise<void>
}

/** How long a connection blocks the process before it is told that another one has the lock; the rest is timers. */
const blockedMs = 2
/** When a connection is opened or the file changed to WAL, nothing else can go on anyway. */
const openingMs = 1_000
const askAgainMs = [1, 2, 4, 8]

/**
 * Opens a file, or takes over a connection. Throws MISCONFIGURED for a file that cannot be opened, is no SQLite
 * database, is kept in memory, or cannot be used in WAL mode.
 */
export function openConnection(of: string | DatabaseSync, patienceMs: number): SqliteConnection {
  const place = placeOf(of)
  let writer = typeof of === 'string' ? openWriter(place) : prepareWriter(of, place)
  let reader: DatabaseSync | null = null
  let isClosed = false
  const refuseClosed = (): void => {
    if (isClosed) throw new EstafetError('UNAVAILABLE', 'The SQLite store was closed.')
  }
  const own: SqliteConnection = {
    turns: turns(),
    patienceMs,
    current: null,
    writer() {
      refuseClosed()
      if (!writer.isOpen && typeof of === 'string') writer = openWriter(place)
      if (!writer.isOpen) throw new EstafetError('UNAVAILABLE', 'The SQLite connection given to the store was closed.')
      return writer
    },
    async read(work) {
      return patiently(patienceMs, () => {
        refuseClosed()
        reader ??= openReader(place)
        return work(reader)
      })
    },
    isLocked: (name) => own.current?.locks.has(name) ?? false,
    async close() {
      const leave = await own.turns.take(patienceMs)
      try {
        isClosed = true
        for (const each of [reader, typeof of === 'string' ? writer : null]) {
          if (each?.isOpen !== true) continue
          forget(each)
          each.close()
        }
      } finally {
        leave()
      }
    },
  }
  return own
}

/** Does something as soon as no other connection has the lock, without blocking the process. Throws UNAVAILABLE. */
export async function patiently<Result>(patienceMs: number, work: () => Result): Promise<Result> {
  const deadline = performance.now() + patienceMs
  for (let times = 0; ; times++) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw translate(error)
    }
    // Never longer than the pause that a busy process makes for others.
    await sleep(askAgainMs[times] ?? giveWayMs - blockedMs - 2)
  }
}

/** The file of a connection; one that is kept in memory is refused: progress must outlive its process. */
function placeOf(of: string | DatabaseSync): string {
  if (typeof of !== 'string' && !of.isOpen)
    throw new EstafetError('MISCONFIGURED', 'The SQLite connection is not open.')
  const place = typeof of === 'string' ? of : of.location()
  if (place === null || place === '' || place === ':memory:' || place.startsWith('file:')) {
    throw new EstafetError(
      'MISCONFIGURED',
      'A SQLite store is kept in a file, given by its path: what is in memory ends with its process, and progress with it.',
    )
  }
  return place
}

function openWriter(place: string): DatabaseSync {
  const folder = dirname(place)
  if (!existsSync(folder)) {
    throw new EstafetError(
      'MISCONFIGURED',
      `The folder of the SQLite database, ${folder}, does not exist: make it first.`,
    )
  }
  try {
    return prepareWriter(new DatabaseSync(place, { timeout: openingMs }), place)
  } catch (error) {
    throw translateOpening(error, place)
  }
}

/** Sets what the toolkit's promises rest on. */
function prepareWriter(database: DatabaseSync, place: string): DatabaseSync {
  try {
    database.exec(`PRAGMA busy_timeout = ${openingMs}`)
    const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode']
    if (mode !== 'wal') {
      throw new EstafetError('MISCONFIGURED', `The SQLite database ${place} cannot be used in WAL mode here (${mode}).`)
    }
    // FULL: what was committed is on disk. NORMAL would lose the last commits with the power, and others have seen them.
    database.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
    database.exec(`PRAGMA busy_timeout = ${blockedMs}`)
    return database
  } catch (error) {
    throw translateOpening(error, place)
  }
}

function openReader(place: string): DatabaseSync {
  try {
    return new DatabaseSync(place, { readOnly: true, timeout: blockedMs })
  } catch (error) {
    throw translate(error)
  }
}
