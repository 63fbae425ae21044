import type { Quantity, WantedQuantity } from '../message/quantity.ts'

/**
 * Quantities of what is limited, held for owners in the service's own database: first held, then confirmed or released. Nobody
 * else can take what is held, so to confirm cannot fail for want of it, and to release leaves nothing to make up for.
 *
 * @source correctness.md R6.6; reserve, then confirm or release, as Try-Confirm-Cancel has it
 */
export interface Reservations<Tx> {
  /**
   * Holds all that is wanted for an owner as part of `tx`, or nothing of it. An owner has one reservation: asked again for the same, it
   * is held as before and nothing more is taken.
   *
   * Of each resource no more is taken than the capacity given, whoever takes it at the same time: another transaction that takes or
   * releases the same resource waits until `tx` has ended. All lock resources in one order, so that two that want several of the same never wait for
   * each other; but two transactions that each hold for several owners can, and one of them throws CONFLICT. Throws MISCONFIGURED for
   * what cannot be counted, and for an owner that holds something else.
   */
  reserve(tx: Tx, owner: string, wanted: readonly WantedQuantity[]): Promise<Reserved>

  /** What an owner has is confirmed, as part of `tx`: told in order of the resources, again each time. Nothing: it has no reservation. */
  confirm(tx: Tx, owner: string): Promise<readonly Quantity[]>

  /**
   * Gives back what an owner has, held or confirmed, as part of `tx`: told in order of the resources, and once. Nothing: it has no
   * reservation any more, or never had one, and no mark is left; a StepFence refuses what comes after it was taken back.
   */
  release(tx: Tx, owner: string): Promise<readonly Quantity[]>

  /**
   * How much of each resource is taken, held or confirmed, in the order asked for; 0 for one that nobody took. As `tx` sees it, and
   * locked by nobody: for showing what is left, and not for deciding who gets it.
   */
  taken(tx: Tx, resources: readonly string[]): Promise<readonly number[]>
}

export type Reserved =
  | { readonly kind: 'held' | 'confirmed' }
  /** Of what there was too little, in order of the resources. */
  | { readonly kind: 'refused'; readonly lacking: readonly Lacking[] }

export interface Lacking extends Quantity {
  /** How much of it was left; 0 also when more is taken than there is by now. */
  readonly left: number
}
