import type { OutgoingMessage } from '../message/message.ts'
import type { Clock } from '../ports/clock.ts'
import type { Outbox } from '../ports/outbox.ts'
import type { Random } from '../ports/random.ts'
import { type MessageLimits, prepare } from './prepare.ts'

/** A message as its publisher knows it once it is written. */
export interface Published {
  readonly id: string
  readonly position: bigint
}

/** `publish(tx, ...messages)`: see `publisher`. */
export type Publish<Tx> = (tx: Tx, ...messages: readonly OutgoingMessage[]) => Promise<readonly Published[]>

/** Encodes and checks messages now, and returns what writes them. */
export type PreparePublish<Tx> = (messages: readonly OutgoingMessage[]) => (tx: Tx) => Promise<readonly Published[]>

interface PublisherParts<Tx> {
  readonly outbox: Outbox<Tx>
  readonly clock: Clock
  readonly random: Random
  readonly limits?: MessageLimits
}

/**
 * Makes the `publish` of a store: writes messages with the caller's transaction, in the order given, in one round trip.
 *
 * They exist if and only if that transaction commits. Throws UNENCODABLE, TOO_LARGE or NOT_IN_TRANSACTION, and then
 * nothing is written. Publishing nothing does nothing.
 */
export function publisher<Tx>(parts: PublisherParts<Tx>): Publish<Tx> {
  const prepared = preparer(parts)
  return async (tx, ...messages) => prepared(messages)(tx)
}

/**
 * Publishing in two steps, for those who write at the very end of a transaction: the first throws UNENCODABLE and
 * TOO_LARGE while everything can still be undone, the second only sends.
 */
export function preparer<Tx>(parts: PublisherParts<Tx>): PreparePublish<Tx> {
  return (messages) => {
    if (messages.length === 0) return () => Promise.resolve([])
    const encoded = prepare(messages, parts, parts.limits)
    return async (tx) => {
      const positions = await parts.outbox.append(tx, encoded)
      return encoded.map((message, at) => ({ id: message.id, position: positions[at] ?? 0n }))
    }
  }
}
