import type { HoldFilter, HoldSearch } from '../ports/hold-search.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import type { OpenTransaction } from './log.ts'

/** What a driver's test gives to the clauses of what owners hold: an empty database. */
export interface HoldsDriver<Tx> {
  readonly search: HoldSearch
  readonly unitOfWork: UnitOfWork<Tx>
  begin(): Promise<OpenTransaction<Tx>>
  /** Time enough to see that somebody waits. */
  moment(): Promise<void>
  /** Makes all that is held older by so many milliseconds. */
  age(ms: number): Promise<void>
}

export const anyHold: HoldFilter = { owner: null, resource: null, heldSeconds: null }
export const firstPage = { after: null, limit: 100 }
