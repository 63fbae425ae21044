import type { EncodedMessage, OutgoingMessage } from '../message/message.ts'

/** Writes what was prepared, as part of `tx`. */
export type Write<Tx, Result = unknown> = (tx: Tx) => Promise<Result>

/** Encodes messages now, and returns what writes them; later when something in them is to be sealed. */
export type Prepare<Tx, Result = unknown> = (
  messages: readonly OutgoingMessage[],
) => Write<Tx, Result> | Promise<Write<Tx, Result>>

/** Writes messages to the service's log, inside the caller's transaction. */
export interface Outbox<Tx> {
  /**
   * Stores the messages, in the order given, and returns their positions. They exist if and only if `tx` commits.
   *
   * Order of the steps: the log's shared lock, then an exclusive lock per key slot (sorted, bounded in number), then
   * the positions; all held to the end of the transaction. So the position order of one key is its commit order, and a
   * reader can tell a gap that may still fill from a dead one.
   *
   * One round trip, whatever the number. Throws NOT_IN_TRANSACTION when `tx` is no open transaction; nothing is written.
   *
   * @source docs/decisions/0003-log-protocol.md
   */
  append(tx: Tx, messages: readonly EncodedMessage[]): Promise<readonly bigint[]>
}
