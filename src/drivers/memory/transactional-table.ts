import type { MemoryDatabase, MemoryTransaction } from './database.ts'

/** A keyed table whose rows a transaction sees as it has changed them, and everybody else as they are committed. */
export interface TransactionalTable<Row> {
  /** Committed rows, in the order in which they were inserted. */
  readonly committed: ReadonlyMap<string, Row>
  get(tx: MemoryTransaction, key: string): Row | undefined
  /** Null: deletes it. The caller holds a lock against other writers of the key. */
  set(tx: MemoryTransaction, key: string, row: Row | null): void
  /** Rows as the transaction sees them. */
  all(tx: MemoryTransaction): ReadonlyMap<string, Row>
  /** The next number of this table; never given back by a rollback. */
  draw(): bigint
}

/** The table of a name in a memory database: the same for all that open it. */
export function transactionalTable<Row>(database: MemoryDatabase, name: string): TransactionalTable<Row> {
  const committed = database.table<Row>(name)
  const drawn = database.table<bigint>(`numbers of ${name}`)
  const changes = new WeakMap<MemoryTransaction, Map<string, Row | null>>()
  return {
    committed,
    get(tx, key) {
      const own = changes.get(tx)?.get(key)
      return own === undefined ? committed.get(key) : (own ?? undefined)
    },
    set(tx, key, row) {
      const own = changes.get(tx) ?? new Map<string, Row | null>()
      changes.set(tx, own.set(key, row))
      tx.atCommit(() => {
        if (row === null) committed.delete(key)
        else committed.set(key, row)
      })
    },
    all(tx) {
      const seen = new Map(committed)
      for (const [key, row] of changes.get(tx) ?? []) {
        if (row === null) seen.delete(key)
        else seen.set(key, row)
      }
      return seen
    },
    draw() {
      const next = (drawn.get('last') ?? 0n) + 1n
      drawn.set('last', next)
      return next
    },
  }
}
