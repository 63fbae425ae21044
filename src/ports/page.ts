/** Which part of a list is wanted. */
export interface PageRequest {
  /** The `next` of the page before. Null: from the beginning. */
  readonly after: bigint | null
  readonly limit: number
}

/** A part of a list. */
export interface Page<Item> {
  readonly items: readonly Item[]
  /** Where the next page begins; null when there is no more. */
  readonly next: bigint | null
}
