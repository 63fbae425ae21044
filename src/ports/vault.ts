/**
 * Keeps a key for each person, and seals personal values with it. A person whose key is erased is erased wherever the values
 * went: logs, brokers, dead letters, snapshots, backups of them.
 */
export interface Vault {
  /**
   * Seals values, each for its subject; null for a subject that was erased: nothing about it is kept again. A subject that is
   * new gets its key before this resolves. One round trip, whatever the number, and one more when subjects are new.
   *
   * Throws UNAVAILABLE when the keys cannot be reached.
   */
  seal(values: readonly SealRequest[]): Promise<readonly (string | null)[]>

  /**
   * Opens sealed values. One round trip, whatever the number. Asked each time anew: who was erased is erased for the next call.
   *
   * Throws UNAVAILABLE when the keys cannot be reached.
   */
  open(values: readonly OpenRequest[]): Promise<readonly Opened[]>
}

export interface SealRequest {
  readonly subject: string
  /** What the value is, such as type and field: it opens as nothing else. */
  readonly place: string
  readonly text: string
}

export interface OpenRequest {
  readonly subject: string
  readonly place: string
  /** As `seal` gave it. */
  readonly sealed: string
}

export type Opened =
  | { readonly kind: 'opened'; readonly text: string }
  /** Its subject was erased. */
  | { readonly kind: 'erased' }
  /** It was changed, sealed for another subject or place, or its keys are elsewhere. */
  | { readonly kind: 'refused' }

/** A vault as a service uses it, which can keep an erasure from overtaking those who have a person's values in their hands. */
export interface HoldingVault<Tx> extends Vault {
  /**
   * Holds persons until `tx` has ended: shared by those who open something of them, alone for who removes what was written down
   * of them. Left out where transactions of the store run one after the other.
   */
  readonly hold?: (tx: Tx, subjects: readonly string[], mode: 'shared' | 'alone') => Promise<void>
}

/** Who may erase: with the transaction that tells of it. */
export interface Eraser<Tx> {
  /**
   * Erases a subject's key, and that for ever: resolves to false when it was erased before. One that was never heard of is
   * erased before it is.
   */
  erase(tx: Tx, subject: string): Promise<boolean>
}
