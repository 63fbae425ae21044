import type { Delivery } from '../message/message.ts'

/**
 * Where a subscription's messages come from: a fixed number of lanes, each an ordered sequence that is pulled by cursor.
 * All messages of a key are in one lane. A log is a feed (its lanes are hashes of the key), a topic of a broker is a
 * feed (its lanes are the partitions).
 */
export interface Feed {
  /** Unique among what one subscription reads; part of the name under which its progress is kept. */
  readonly name: string

  /** Checks that the feed can be read safely and tells its epoch and lanes. May be called again at any time. */
  open(): Promise<FeedState>

  /**
   * By lane, the cursor that stands for "after everything there is now": whatever is written after the call comes after
   * it. Throws UNAVAILABLE while that is undecided, because what was begun earlier may still be committed below.
   */
  ends(): Promise<readonly bigint[]>

  /**
   * Looks once for more and returns what it saw. `more`: lanes may have something to fetch. `waiting`: something was
   * written that cannot be handed out yet, so look again soon. `idle`: nothing new.
   */
  advance(): Promise<'more' | 'waiting' | 'idle'>

  /**
   * The lane's messages after `after`, in order, at most `limit`; only what is certain never to be preceded by another.
   * Repeating the call returns the same messages in the same order.
   */
  fetch(lane: number, after: bigint, limit: number): Promise<Fetched>
}

export interface FeedState {
  readonly epoch: string
  /** How many lanes there are. */
  readonly lanes: number
}

export interface Fetched {
  readonly deliveries: readonly Delivery[]
  /** The cursor once all of them are handled: at least the last delivery's own. */
  readonly cursor: bigint
  /** True when the limit cut the answer short. */
  readonly hasMore: boolean
}
