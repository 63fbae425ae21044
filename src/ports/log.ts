import type { StoredMessage } from '../message/message.ts'

/** A service's log of published messages, as everybody who reads it sees it: relay, subscription, projection. */
export interface Log {
  /** The service that owns the log. */
  readonly source: string

  /**
   * Tells which log this is and how far it goes.
   *
   * Refuses what would break the protocol: throws MISCONFIGURED for a replica, `synchronous_commit=off` or a
   * sequence that caches; EPOCH_CHANGED when the server is not the one that the epoch was begun on.
   */
  inspect(): Promise<LogState>

  /** The committed positions after `after`, ascending, at most `limit`. A missing one is in flight or dead. */
  positions(after: bigint, limit: number): Promise<readonly bigint[]>

  /**
   * Tokens of the transactions that hold the log's lock now: each may still commit positions drawn earlier. A transaction
   * keeps its token; `*` stands for one that may have had another before, and so may be any that was seen.
   */
  writers(): Promise<readonly string[]>

  /** Committed messages of a range, ascending by position. */
  read(range: LogRange): Promise<readonly StoredMessage[]>
}

export interface LogState {
  /** Changes when positions no longer mean what they meant: after a restore or a failover that lost commits. */
  readonly epoch: string
  /** The highest position drawn so far, committed or not; after a crash those above `lastCommitted` may be drawn again. */
  readonly lastDrawn: bigint
  /** The highest position with a message; 0 while there is none. Lower ones may still be committed. */
  readonly lastCommitted: bigint
}

export interface LogRange {
  /** Exclusive. */
  readonly after: bigint
  /** Inclusive. */
  readonly upTo: bigint
  readonly limit: number
  /** Only messages of these topics. Null: of all. */
  readonly topics: readonly string[] | null
  /** Only messages whose key falls into lane `index` of `count`. */
  readonly lane: { readonly index: number; readonly count: number }
}
