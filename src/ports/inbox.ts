/**
 * Ids of messages from others that have no place in a chain, in the subscriber's own database: what tells a message that was
 * sent again from a new one. Our own messages need none: their positions tell.
 */
export interface Inbox<Tx> {
  /**
   * Takes ids for a subscription as part of `tx`, and returns the fresh ones of those given, in their order: each id that
   * was not taken before, and each that was taken at this very place.
   *
   * A record that a feed delivers again, because a person set its cursor back, is at its place again and may take effect
   * again; what its sender sent once more is at another. Given at two places, an id is fresh at one: where it was taken, or
   * else at the first. Another transaction that takes one of them waits until `tx` has ended.
   */
  take(tx: Tx, subscription: string, ids: readonly SentId[]): Promise<readonly SentId[]>

  /** Forgets what `take` was last asked about more than so many days ago: sent again after that, it would count as new. */
  forget(subscription: string, days: number): Promise<void>
}

export interface SentId {
  readonly id: string
  /** Where the record with this id stands: another for each record, and the same whenever that is delivered. */
  readonly place: string
}
