import type { OutgoingMessage } from 'estafet'

/** Where something goes to: the table of a service, or its streams. */
export type Target = 'users' | 'products' | 'stock' | 'orders'
export const targets: readonly Target[] = ['users', 'products', 'stock', 'orders']

/** What becomes of a row of the monolith in one target. */
export interface Part {
  readonly target: Target
  /** Of the row, and of what it becomes. */
  readonly id: string
  /** Makes the target have it, or not have it. */
  readonly message: OutgoingMessage
  /** Whether the target is to have it: `message.data`, then. */
  readonly isWanted: boolean
  /** Why it cannot be moved as it is. Empty for what is moved, and for a row that there is not. */
  readonly reasons: readonly string[]
  /** What is odd about it, although it is moved. */
  readonly notes: readonly string[]
  /** The user that it names; null for none. */
  readonly customer: string | null
  /** What it adds to the totals of its target, also when it is held back: see `measures`. */
  readonly amounts: readonly string[]
}

/** What is added up for each target, beside the number of rows. */
export const measures: Readonly<Record<Target, readonly string[]>> = {
  users: [],
  products: ['price'],
  stock: ['quantity'],
  orders: ['total_amount', 'items', 'price of items'],
}
