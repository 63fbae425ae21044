/**
 * Says in a service's own database who is at work on a thing, for longer than a transaction: an order that a saga is about to change, an
 * account that is being closed. Others are told so, and decide what to do about it: refuse, or try later.
 *
 * @source correctness.md R6.6; Richardson, Microservices Patterns, 4.3.2 "Semantic lock"
 */
export interface SemanticLocks<Tx> {
  /**
   * Takes the lock of a resource for an owner as part of `tx`. It never waits for an owner, who may need days: it waits only while
   * another transaction takes or frees the same lock. Taken again by the same owner, it is taken.
   *
   * Who takes several in one transaction takes them in one order for everybody; otherwise two can wait for each other, and
   * one throws CONFLICT.
   */
  take(tx: Tx, resource: string, owner: string): Promise<LockTaken>

  /** Frees all locks of an owner as part of `tx`, and tells of which resources, in their order. Nothing: it has none. */
  release(tx: Tx, owner: string): Promise<readonly string[]>
}

export type LockTaken =
  | { readonly kind: 'taken' }
  /** By somebody else; since an instant, ISO 8601. */
  | { readonly kind: 'held'; readonly owner: string; readonly since: string }
