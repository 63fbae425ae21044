import type { StoredMessage } from '../message/message.ts'

/** Where a relay puts messages: a broker, seen by its writer. */
export interface Sink {
  /** Unique among the sinks of one log; part of the name under which the relay's progress is kept. */
  readonly name: string

  /** The number of partitions of a topic, at least 1. */
  partitions(topic: string): Promise<number>

  /**
   * Appends the messages, each to its partition, in the order given within a partition. Resolves when all are durable.
   *
   * Any rejection means "unknown": some may be there. The relay then sends the same messages again, so a partition may
   * hold a message twice, and never in another order of first appearances.
   */
  send(messages: readonly RelayedMessage[]): Promise<void>
}

export interface RelayedMessage {
  readonly message: StoredMessage
  readonly partition: number
  /** Position of the message before it in the same topic and partition; 0 for the first; the same on every resend. */
  readonly previous: bigint
}
