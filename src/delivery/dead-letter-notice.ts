import type { OutgoingMessage } from '../message/message.ts'

/** What others may be told of a message that became a dead letter. Nothing of its content, and not its key. */
export interface DeadLetterNotice {
  readonly messageId: string
  readonly type: string
  readonly topic: string
  /** The service whose log the message came from. */
  readonly source: string
  readonly correlationId: string
  readonly handler: string
  /** Class or code of the error. */
  readonly errorName: string
  /** Without content of the message. */
  readonly error: string
  /** ISO 8601 in UTC. */
  readonly failedAt: string
}

/**
 * Makes messages of a dead letter, to be published in the transaction that makes it: others know of it if and only if it
 * is one. Called each time a message becomes one, so again after a redrive that failed.
 */
export type OnDeadLetter = (letter: DeadLetterNotice) => readonly OutgoingMessage[]
