import type { StoredMessage } from '../message/message.ts'
import type { Selection } from './dead-letters.ts'
import type { Decided, Decision } from './decision.ts'

/** What a person may decide about dead letters, other than to bring them back as they are. All of it is audited. */
export interface DeadLetterDecisions {
  /** Gives them up and lets their keys go on, if there are exactly `expected`. */
  discard(subscription: string, selection: Selection, expected: number, decision: Decision): Promise<Decided>

  /**
   * Puts a new message into a dead letter's place in its queue: with another id and payload, and the same coordinates.
   * It is tried at once, like each other one; the old one is kept. `number` is the new one's. `missing` when it is no dead
   * letter any more.
   */
  edit(subscription: string, edit: Edit, decision: Decision): Promise<Decided & { readonly number: bigint | null }>

  /**
   * Takes in dead letters that were exported, as ones that block nothing. One that is in its queue already (by source,
   * epoch and position) is left out; `count` is how many were taken.
   */
  take(subscription: string, letters: readonly ImportedLetter[], expected: number, decision: Decision): Promise<Decided>

  /** Removes what ended more than `days` ago: messages with their attempts, and jobs. The number of messages. */
  prune(subscription: string, days: number, who: string): Promise<number>
}

export interface Edit {
  readonly number: bigint
  readonly id: string
  /** JSON text. */
  readonly payload: string
  /** Paths of the fields that differ, for the audit; never their values. */
  readonly fields: readonly string[]
}

export interface ImportedLetter {
  readonly message: Omit<StoredMessage, 'payload'>
  readonly payload: Uint8Array
  readonly feed: string
  readonly lane: number
  readonly handler: string | null
  readonly errorName: string | null
  readonly errorMessage: string | null
  readonly fingerprint: string | null
  readonly failedAt: string | null
}
