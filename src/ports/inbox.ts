/**
 * Ids of messages from others that have no place in a chain, in the subscriber's own database: what tells a message that was
 * sent again from a new one. Our own messages need none: their positions tell.
 */
export interface Inbox<Tx> {
  /**
   * Takes ids for a subscription as part of `tx`, and returns those that were not taken before. Another transaction that
   * takes one of them waits until `tx` has ended. Ids given twice are taken once.
   */
  take(tx: Tx, subscription: string, ids: readonly string[]): Promise<ReadonlySet<string>>

  /** Forgets what was taken more than so many days ago: sent again after that, it would count as new. */
  forget(subscription: string, days: number): Promise<void>
}
