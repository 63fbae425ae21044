import type { EncodedMessage, OutgoingMessage } from '../message/message.ts'
import { sealed } from '../personal/seal.ts'
import type { Clock } from '../ports/clock.ts'
import type { Outbox, Prepare, Write } from '../ports/outbox.ts'
import type { Random } from '../ports/random.ts'
import type { Vault } from '../ports/vault.ts'
import { type MessageLimits, prepare, refuseTooLarge } from './prepare.ts'

/** A message as its publisher knows it once it is written. */
export interface Published {
  readonly id: string
  readonly position: bigint
}

/** `publish(tx, ...messages)`: see `publisher`. */
export type Publish<Tx> = (tx: Tx, ...messages: readonly OutgoingMessage[]) => Promise<readonly Published[]>

/** Encodes and checks messages now: see `preparer`. */
export type PreparePublish<Tx> = Prepare<Tx, readonly Published[]>

interface PublisherParts<Tx> {
  readonly outbox: Outbox<Tx>
  readonly clock: Clock
  readonly random: Random
  readonly limits?: MessageLimits
  /** Seals personal fields. (Default: none, and messages with such fields are MISCONFIGURED.) */
  readonly vault?: Vault | null
}

/**
 * Makes the `publish` of a store: writes messages with the caller's transaction, in the order given, in one round trip.
 *
 * They exist if and only if that transaction commits. Throws UNENCODABLE, TOO_LARGE or NOT_IN_TRANSACTION, and then
 * nothing is written; for personal fields also MISCONFIGURED without a vault, and UNAVAILABLE without its keys. Publishing
 * nothing does nothing.
 */
export function publisher<Tx>(parts: PublisherParts<Tx>): Publish<Tx> {
  const prepared = preparer(parts)
  return async (tx, ...messages) => (await prepared(messages))(tx)
}

/**
 * Publishing in two steps, for those who write at the very end of a transaction: the first throws UNENCODABLE and
 * TOO_LARGE, and what sealing throws, while everything can still be undone; the second only sends.
 */
export function preparer<Tx>(parts: PublisherParts<Tx>): PreparePublish<Tx> {
  const { vault = null, outbox, limits } = parts
  const writeOf =
    (encoded: readonly EncodedMessage[]): Write<Tx, readonly Published[]> =>
    async (tx) => {
      const positions = await outbox.append(tx, encoded)
      return encoded.map((message, at) => ({ id: message.id, position: positions[at] ?? 0n }))
    }
  return (messages) => {
    if (messages.length === 0) return () => Promise.resolve([])
    const encoded = prepare(messages, parts, limits)
    if (messages.every(({ personal }) => personal === undefined)) return writeOf(encoded)
    const personal = messages.map((message) => message.personal ?? null)
    return sealed(vault, encoded, personal).then((whole) => {
      refuseTooLarge(whole, limits)
      return writeOf(whole)
    })
  }
}
