import type { StoredMessage } from '../message/message.ts'
import type { LaneGroup } from './lane-store.ts'
import type { Failure } from './parking.ts'

/** Parked keys, seen by the loop that tries them again. Times are the database's clock. */
export interface Retries<Tx> {
  /** What is due now in the lanes given, longest due first, at most `limit` keys; and how much is parked altogether. */
  due(group: LaneGroup, lanes: readonly number[], limit: number): Promise<DueKeys>

  /**
   * Begins an attempt with the key's first message: counts it and commits before the handler starts, so that a handler
   * which ends the process is counted, too. Until `heldMs` have passed the key is not due for others.
   *
   * Null when the key is not due any more: someone else has begun, or it came free, or a person decided.
   */
  begin(key: ParkedKey, by: Attempter, heldMs: number): Promise<Attempt | null>

  /**
   * Takes the message off the queue as part of `tx`, which holds its effects; with the last one the key comes free.
   * Throws FENCED when another attempt has begun since, or a person decided: `tx` can then only roll back.
   */
  applied(tx: Tx, attempt: Attempt): Promise<void>

  /** Saves why the attempt failed and what happens next. Does nothing when another attempt has begun since. */
  failed(attempt: Attempt, failure: Failure): Promise<void>

  /**
   * The same as part of `tx`, which also holds what is published about it: for a failure whose next step is `dead`. False
   * when another attempt has begun since: then nothing was saved.
   */
  buried(tx: Tx, attempt: Attempt, failure: Failure): Promise<boolean>
}

export interface ParkedKey {
  readonly group: LaneGroup
  readonly key: string
}

export interface Attempter {
  readonly owner: string
  readonly serviceVersion: string
}

export interface DueKeys {
  readonly keys: readonly string[]
  /** Until the next key is due, if one of these lanes has one. */
  readonly nextMs: number | null
  /** Of the whole subscription in this feed. */
  readonly load: { readonly keys: number; readonly messages: number; readonly dead: number }
  /** True while a person has paused the subscription. */
  readonly isPaused: boolean
}

export interface Attempt {
  readonly parked: ParkedKey
  /** Grows with each attempt of the key; a commit under an older one is refused. */
  readonly fence: bigint
  readonly message: StoredMessage
  /** The parked message's own number: the dead letter's, should it become one. */
  readonly number: bigint
  /** Attempts of this message since it was parked or last redriven, with this one. */
  readonly tries: number
  /** How many in a row, just before this one, ended without a word: the process died. */
  readonly crashes: number
  /** True when a person redrove it: then it is tried once and becomes a dead letter again. */
  readonly isRedriven: boolean
}
