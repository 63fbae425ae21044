import type { StoredMessage } from '../message/message.ts'
import type { Lane } from './lane-store.ts'

/**
 * Keys that wait because one of their messages could not be handled, in the subscriber's own database: the write side
 * of a lane. A parked key's later messages wait behind it in order; other keys flow.
 */
export interface Parking<Tx> {
  /** The lane's keys that are parked now: what its holder must know before it handles anything. */
  keys(lane: Lane): Promise<readonly string[]>

  /**
   * Tells which of the keys are parked, and holds those so until `tx` ends: none of them can come free in between. So
   * a message is either handled after all that was parked before it, or parked behind it.
   */
  hold(tx: Tx, lane: Lane, keys: readonly string[]): Promise<readonly string[]>

  /**
   * Puts messages at the end of their keys' queues, in the order given, as part of `tx`, which also saves the lane's
   * progress. One with a failure begins the queue of its key, or is kept as a dead letter that blocks nothing.
   *
   * A message that is in the queue already (by source, epoch and position) is not put in again.
   */
  park(tx: Tx, lane: Lane, entries: readonly ParkedEntry[]): Promise<void>

  /**
   * Puts messages that nobody has tried into queues of their own, as part of `tx`, although nothing waits there: they
   * will be tried one by one, each attempt counted before it starts. For messages of which one may end the process.
   */
  parkUntried(tx: Tx, lane: Lane, messages: readonly StoredMessage[]): Promise<void>
}

export interface ParkedEntry {
  readonly message: StoredMessage
  /** Null: it waits behind its key and was not tried. */
  readonly failure: Failure | null
}

/** What is known about a failed attempt. Neither text holds a payload: see failure.ts of delivery. */
export interface Failure {
  readonly handler: string
  /** Class or code of the error. */
  readonly errorName: string
  readonly errorMessage: string
  /** Frames only, without the message. Empty when the error had none. */
  readonly stack: string
  /** Equal for failures that look like the same fault. */
  readonly fingerprint: string
  readonly serviceVersion: string
  readonly owner: string
  /** How often it was tried until now, one after the other, for this failure. At least 1. */
  readonly tries: number
  readonly next: NextStep
}

/** What happens to a message after a failure. */
export type NextStep =
  /** `isCounted` false: the attempt says nothing about the message, and is not taken off its budget. */
  | { readonly kind: 'retry'; readonly afterMs: number; readonly isCounted: boolean }
  /** Becomes a dead letter. `blocks`: its key waits for a person; else the key goes on without it. */
  | { readonly kind: 'dead'; readonly blocks: boolean }
