import type { Selection } from './dead-letters.ts'
import type { Decided, Decision } from './decision.ts'
import type { Page, PageRequest } from './page.ts'

/**
 * Jobs that bring dead letters back: the same messages, under the same ids, on the normal path. Everything a job knows is
 * in the database, so any process goes on with it.
 */
export interface Redrives {
  /**
   * Begins a job with the dead letters that the selection means and no other job has, if there are exactly `expected`.
   * Nothing is released yet: `step` does that.
   */
  start(
    subscription: string,
    wanted: WantedRedrive,
    decision: Decision,
  ): Promise<Decided & { readonly number: bigint | null }>

  /**
   * Pauses a job, lets it go on, or cancels it; what it has released is tried all the same. `changed` when it is over,
   * `repeated` when it is in that state already.
   */
  change(
    subscription: string,
    number: bigint,
    to: 'paused' | 'running' | 'cancelled',
    decision: Pick<Decision, 'who' | 'reason'>,
  ): Promise<Pick<Decided, 'outcome'> & { readonly state: RedriveState | null }>

  /**
   * Releases the next portion of each running job, and ends those that are done. For any number of processes to call
   * every second: each job is stepped by one at a time, in one transaction.
   *
   * A canary releases 1, then 10, then the rest, each when all before were applied, and stops at the first that fails.
   * Another job goes on to its end. Returns whether there may be more to do.
   */
  step(subscription: string): Promise<boolean>

  /** Jobs, newest first; a page begins below its `after`. */
  list(subscription: string, page: PageRequest): Promise<Page<Redrive>>
}

export interface WantedRedrive {
  readonly selection: Selection
  readonly expected: number
  readonly isCanary: boolean
  /** Messages a second; null: as fast as they go. */
  readonly rate: number | null
}

/** stopped: a canary whose message failed again. */
export type RedriveState = 'running' | 'paused' | 'cancelled' | 'stopped' | 'done'

export interface Redrive {
  readonly number: bigint
  readonly requestId: string
  readonly state: RedriveState
  readonly isCanary: boolean
  readonly rate: number | null
  /** As it was asked for; JSON text. */
  readonly selection: string
  readonly requestedBy: string
  readonly reason: string | null
  readonly createdAt: string
  readonly changedAt: string
  /** How many messages are in which state. */
  readonly pending: number
  readonly released: number
  readonly applied: number
  readonly failed: number
  readonly cancelled: number
}
