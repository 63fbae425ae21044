import type { StoredMessage } from '../message/message.ts'

/** What a delivery is, in the light of the last one taken from the same chain. */
export type ChainVerdict = 'next' | 'duplicate' | 'gap'

/** Names the chain of a message within its topic's partition. */
export function chainOf(message: Pick<StoredMessage, 'source' | 'epoch'>): string {
  return `${message.source}/${message.epoch}`
}

/**
 * Judges a delivery by its position and the position it says came before it.
 *
 * `mark` is the last position taken, undefined for a chain never seen: such a subscription begins with whatever comes
 * first. A position at or below the mark is a duplicate, for ever and without a row per message. A `previous` beyond the
 * mark means that messages between were lost on the way.
 */
export function judge(mark: bigint | undefined, position: bigint, previous: bigint): ChainVerdict {
  if (mark === undefined) return 'next'
  if (position <= mark) return 'duplicate'
  return previous <= mark ? 'next' : 'gap'
}
