import type { Quantity } from '../message/quantity.ts'
import type { Page, PageRequest } from './page.ts'

/** What owners hold, as people look at it: what is held for too long was forgotten by somebody. Ages are by the clock of the database. */
export interface HoldSearch {
  /** Reservations that are held, and neither confirmed nor released, that everything given fits; the first held first. */
  reservations(filter: HoldFilter, page: PageRequest): Promise<Page<HeldReservation>>
  /** Semantic locks that everything given fits, the first taken first. */
  locks(filter: HoldFilter, page: PageRequest): Promise<Page<HeldLock>>
}

/** Null leaves it open. */
export interface HoldFilter {
  readonly owner: string | null
  readonly resource: string | null
  /** Only what is held for at least so many seconds. */
  readonly heldSeconds: number | null
}

export interface Held {
  /** Its place among those of its database. */
  readonly number: bigint
  readonly owner: string
  /** ISO 8601. */
  readonly since: string
  /** Whole seconds. */
  readonly heldSeconds: number
}

export interface HeldReservation extends Held {
  /** In order of the resources. */
  readonly quantities: readonly Quantity[]
}

export interface HeldLock extends Held {
  readonly resource: string
}
