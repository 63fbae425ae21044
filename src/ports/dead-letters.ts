import type { StoredMessage } from '../message/message.ts'
import type { Page, PageRequest } from './page.ts'

/** What could not be handled, as people look at it. In the subscriber's own database. */
export interface DeadLetters {
  /** Dead letters by what looks like the same fault, the group with the oldest one first. */
  groups(subscription: string, page: PageRequest): Promise<Page<DeadLetterGroup>>
  /** The dead letters that a selection means, oldest first. Their payloads only when asked for. */
  list(subscription: string, selection: Selection, page: PageRequest & Content): Promise<Page<DeadLetter>>
  /** How many there are. `free`: only those that no redrive takes care of. */
  count(subscription: string, selection: Selection, which: 'all' | 'free'): Promise<number>
  /** One parked message, whatever became of it, with its payload and every attempt. Null when there is none. */
  find(subscription: string, number: bigint): Promise<DeadLetterHistory | null>
}

/** Dead letters that everything given fits. Of nothing given: all. */
export interface Selection {
  readonly numbers?: readonly bigint[]
  readonly fingerprint?: string
  readonly type?: string
  readonly key?: string
  readonly handler?: string
  /** Those that last failed before this instant; ISO 8601. */
  readonly before?: string
}

export interface Content {
  readonly isWithPayload: boolean
}

export interface DeadLetterGroup {
  readonly fingerprint: string
  readonly handler: string | null
  readonly type: string
  readonly errorName: string | null
  /** Of the last one that failed. */
  readonly errorMessage: string | null
  readonly count: number
  readonly keys: number
  readonly firstFailedAt: string | null
  readonly lastFailedAt: string | null
}

/** waiting: behind the first of its key. applied, discarded, replaced: over. */
export type ParkedState = 'waiting' | 'retrying' | 'dead' | 'applied' | 'discarded' | 'replaced'

export interface DeadLetter extends Omit<StoredMessage, 'payload'> {
  readonly number: bigint
  readonly feed: string
  readonly lane: number
  readonly state: ParkedState
  /** True when its key waits for it. */
  readonly isBlocking: boolean
  readonly parkedAt: string
  readonly endedAt: string | null
  readonly attempts: number
  readonly handler: string | null
  readonly errorName: string | null
  readonly errorMessage: string | null
  readonly fingerprint: string | null
  readonly firstFailedAt: string | null
  readonly failedAt: string | null
  /** The job that takes care of it, or did last. */
  readonly redrive: bigint | null
  readonly replaces: bigint | null
  readonly payloadBytes: number
  /** Bytes, because poison need not be text. Null when it was not asked for. */
  readonly payload: Uint8Array | null
}

export interface DeadLetterHistory extends DeadLetter {
  readonly payload: Uint8Array
  readonly replacedBy: bigint | null
  /** Oldest first. */
  readonly history: readonly PastAttempt[]
}

export interface PastAttempt {
  readonly number: number
  readonly at: string
  readonly endedAt: string | null
  readonly owner: string
  readonly serviceVersion: string
  /** started: under way, or its process died. */
  readonly outcome: 'started' | 'failed' | 'applied' | 'crashed'
  readonly handler: string | null
  readonly errorName: string | null
  readonly errorMessage: string | null
  readonly stack: string | null
}
