import type { EncodedMessage, StoredMessage } from '../message/message.ts'

/**
 * Streams of private events in a service's own database: append-only, each stream numbered from 1 without gaps, all of
 * them together one log with positions (read by the log protocol; see Log).
 */
export interface EventStore<Tx> {
  /**
   * Appends to one or several streams as part of `tx`: all or nothing. In one round trip, whatever the number.
   *
   * Throws WRONG_VERSION, naming the stream and its actual version, when a stream is not as expected; and then `tx` can
   * only roll back. With an append id, a repeat of the same append returns what the first one did, and another append under
   * that id is APPEND_ID_REUSED. Throws NOT_IN_TRANSACTION when `tx` is no open transaction.
   */
  append(tx: Tx, appends: readonly StreamAppend[], options?: AppendOptions): Promise<readonly Appended[]>

  /** What was appended to a stream under an append id, as `tx` sees it; null when nothing was. */
  appended(tx: Tx, stream: StreamName, appendId: string): Promise<Appended | null>

  /** The events of a stream after a version, in order, at most `limit`. An unknown stream is empty. */
  read(stream: StreamName, range: StreamRange): Promise<readonly RecordedEvent[]>

  /** The same as `tx` sees it, with what was appended in it. */
  readIn(tx: Tx, stream: StreamName, range: StreamRange): Promise<readonly RecordedEvent[]>
}

/** Names a stream: what kind of thing its events are about, and which. */
export interface StreamName {
  /** 1 to 200 characters. */
  readonly type: string
  /** 1 to 512 characters. */
  readonly id: string
}

/**
 * What a stream must be like for an append: at exactly this version (0 is that of a new one), `new`, `existing`, or
 * anything. `any` without an append id cannot be tried again safely: it appends each time.
 */
export type ExpectedVersion = number | 'new' | 'existing' | 'any'

/** An event encoded for a stream. Its topic is the stream's type and its key the stream's id. */
export type EncodedEvent = Omit<EncodedMessage, 'topic' | 'key'>

export interface StreamAppend {
  readonly stream: StreamName
  readonly expected: ExpectedVersion
  readonly events: readonly EncodedEvent[]
  /** The same for each try of one append, unique in its stream; null for none. */
  readonly appendId: string | null
}

export interface AppendOptions {
  /**
   * True: an append that was made before is CONFLICT, and `tx` can only roll back. For who commits without waiting for the
   * answer, with more than the events in the transaction. (Default: false.)
   */
  readonly refusesRepeats?: boolean
}

export interface Appended {
  /** Of the stream after this append, as it was then. */
  readonly version: number
  /** Of its last event; null when it had none. */
  readonly position: bigint | null
  /** True when an earlier try had appended this. */
  readonly isRepeat: boolean
}

/** An event as it stands in its stream. */
export interface RecordedEvent extends StoredMessage {
  /** Its number in the stream, from 1. */
  readonly streamVersion: number
}

export interface StreamRange {
  /** Exclusive; 0 for the beginning. */
  readonly after: number
  /** Inclusive; null for the end. */
  readonly upTo: number | null
  readonly limit: number
}
