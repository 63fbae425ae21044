import { EstafetError } from '../../message/errors.ts'
import type { Clock } from '../../ports/clock.ts'

/** Awaited between any two steps of a driver: where a simulation yields, delays, throws, or never comes back. */
export type Interrupt = (point: string) => Promise<void>

/** A transaction of the memory database: writes show to others when it commits, and never when it does not. */
export interface MemoryTransaction {
  readonly isOpen: boolean
  /** True once the server ended it, with its process's connection or in a crash. */
  readonly isLost: boolean
  /** Adds a row to a list. */
  insert(list: string, row: unknown): void
  /** Does something at commit, after the checks; for drivers. */
  atCommit(effect: () => void): void
  /** Lets the transaction do nothing but roll back. */
  doom(): void
  /** Runs work whose writes and locks are undone when it rejects. */
  savepoint(work: () => Promise<void>): Promise<void>
}

export interface MemoryDatabase {
  readonly clock: Clock
  /** The committed rows of a list, in commit order. */
  rows(list: string): readonly unknown[]
  /** A keyed table that drivers keep their state in; it has no transactions of its own. */
  table<Row>(name: string): Map<string, Row>
  begin(owner: string): MemoryTransaction
  commit(tx: MemoryTransaction): void
  abort(tx: MemoryTransaction): void
  /** Runs a statement once the transaction's earlier ones have ended: a connection does one thing at a time. */
  statement<Result>(tx: MemoryTransaction, run: () => Promise<Result>): Promise<Result>
  /**
   * Takes a lock until the transaction ends; waits while another one holds it against us. Throws CONFLICT when they
   * would wait for each other for ever.
   */
  lock(tx: MemoryTransaction, name: string, mode: 'shared' | 'exclusive'): Promise<void>
  /** Takes a lock exclusively, as `lock` does, unless it would have to wait: then it does not, and tells false. */
  tryLock(tx: MemoryTransaction, name: string): boolean
  /** Transactions that hold a lock, as tokens. */
  holders(name: string): readonly string[]
  /** Draws a position; never given back by a rollback. */
  draw(): bigint
  readonly lastDrawn: bigint
  /** Ends a process's transactions, as the server does when the connection is gone. */
  disconnect(owner: string): void
  /**
   * Ends all transactions, as a crash does, and sets the sequence: back to the last committed position at most, since
   * what was drawn and not committed may have left no trace on disk.
   */
  crash(lastDrawn: bigint): void
}

interface Transaction extends MemoryTransaction {
  readonly token: string
  readonly owner: string
  isOpen: boolean
  isLost: boolean
  isDoomed: boolean
  effects: (() => void)[]
  locks: Set<string>
  waitsFor: Transaction | null
  lastStatement: Promise<unknown>
  /** Resolves when it gives up locks: at its end, or at the end of a savepoint. */
  letsGo: PromiseWithResolvers<void>
}

/** A database in memory, with the semantics of PostgreSQL that the toolkit's protocols exist for. */
export function memoryDatabase(clock: Clock): MemoryDatabase {
  const lists = new Map<string, unknown[]>()
  const tables = new Map<string, Map<string, never>>()
  const open = new Map<MemoryTransaction, Transaction>()
  let lastDrawn = 0n
  let tokens = 0

  function inner(tx: MemoryTransaction): Transaction {
    const found = open.get(tx)
    if (found === undefined) throw new EstafetError('UNAVAILABLE', 'The transaction is over.')
    return found
  }

  function end(tx: Transaction): void {
    tx.isOpen = false
    open.delete(tx)
    tx.locks.clear()
    tx.letsGo.resolve()
  }

  function lose(tx: Transaction): void {
    tx.isLost = true
    end(tx)
  }

  function against(tx: Transaction, name: string, mode: 'shared' | 'exclusive'): Transaction | undefined {
    return [...open.values()].find(
      (other) =>
        other !== tx &&
        (other.locks.has(`exclusive ${name}`) || (mode === 'exclusive' && other.locks.has(`shared ${name}`))),
    )
  }

  const database: MemoryDatabase = {
    clock,
    rows: (list) => lists.get(list) ?? [],
    table<Row>(name: string) {
      const known = tables.get(name) ?? new Map<string, never>()
      tables.set(name, known)
      const table: Map<string, Row> = known
      return table
    },
    begin(owner) {
      const tx: Transaction = {
        token: `${owner}#${tokens++}`,
        owner,
        isOpen: true,
        isLost: false,
        isDoomed: false,
        effects: [],
        locks: new Set(),
        waitsFor: null,
        lastStatement: Promise.resolve(),
        letsGo: Promise.withResolvers(),
        insert: (list, row) => {
          tx.effects.push(() => {
            const rows = lists.get(list) ?? []
            rows.push(row)
            lists.set(list, rows)
          })
        },
        atCommit: (effect) => {
          tx.effects.push(effect)
        },
        doom: () => {
          tx.isDoomed = true
        },
        async savepoint(work) {
          const before = { effects: [...tx.effects], locks: new Set(tx.locks) }
          try {
            await work()
          } catch {
            Object.assign(tx, before)
            tx.letsGo.resolve()
            tx.letsGo = Promise.withResolvers()
          }
        },
      }
      open.set(tx, tx)
      return tx
    },
    commit(tx) {
      const own = inner(tx)
      if (own.isDoomed) {
        end(own)
        throw new EstafetError('CONFLICT', 'The transaction was rolled back: one of its statements had failed.')
      }
      for (const effect of own.effects) effect()
      end(own)
    },
    abort(tx) {
      const own = open.get(tx)
      if (own !== undefined) end(own)
    },
    async statement(tx, run) {
      const own = inner(tx)
      const running = own.lastStatement.then(run)
      own.lastStatement = running.catch(() => {})
      return running
    },
    async lock(tx, name, mode) {
      const own = inner(tx)
      for (let other = against(own, name, mode); other !== undefined; other = against(own, name, mode)) {
        refuseDeadlock(own, other)
        own.waitsFor = other
        await other.letsGo.promise
        own.waitsFor = null
        inner(tx)
      }
      own.locks.add(`${mode} ${name}`)
    },
    tryLock(tx, name) {
      const own = inner(tx)
      if (against(own, name, 'exclusive') !== undefined) return false
      own.locks.add(`exclusive ${name}`)
      return true
    },
    holders: (name) =>
      [...open.values()]
        .filter(({ locks }) => locks.has(`shared ${name}`) || locks.has(`exclusive ${name}`))
        .map(({ token }) => token),
    draw() {
      lastDrawn += 1n
      return lastDrawn
    },
    get lastDrawn() {
      return lastDrawn
    },
    disconnect(owner) {
      for (const tx of [...open.values()]) if (tx.owner === owner) lose(tx)
    },
    crash(setTo) {
      for (const tx of [...open.values()]) lose(tx)
      lastDrawn = setTo
    },
  }
  return database
}

function refuseDeadlock(own: Transaction, other: Transaction): void {
  for (let next: Transaction | null = other; next !== null; next = next.waitsFor) {
    if (next !== own) continue
    own.isDoomed = true
    throw new EstafetError('CONFLICT', 'Two transactions waited for each other, and this one was chosen to give way.')
  }
}
