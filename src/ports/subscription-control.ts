import type { Decision } from './decision.ts'
import type { Page, PageRequest } from './page.ts'

/** A subscription, as people look at it and steer it. */
export interface SubscriptionControl {
  /** How far each lane is, in each feed and epoch; and whether somebody paused it. */
  state(subscription: string): Promise<SubscriptionState>
  /** Keys that are parked, by the age of their first message's number, oldest first. */
  parkedKeys(subscription: string, page: PageRequest): Promise<Page<ParkedKeyState>>

  /** Pauses all of its feeds, or lets them go on. False when it was so already: then nothing is audited. */
  pause(subscription: string, isPaused: boolean, decision: Pick<Decision, 'who' | 'reason'>): Promise<boolean>
}

export interface SubscriptionState {
  readonly lanes: readonly LaneState[]
  readonly paused: { readonly at: string; readonly by: string; readonly reason: string | null } | null
}

export interface LaneState {
  readonly feed: string
  readonly epoch: string
  readonly lane: number
  readonly cursor: bigint
  /** The process that works on it; null while nobody does. */
  readonly owner: string | null
}

export interface ParkedKeyState {
  readonly feed: string
  readonly key: string
  readonly lane: number
  /** dead: it waits for a person. */
  readonly state: 'retrying' | 'dead'
  /** Number of the first message of its queue. */
  readonly head: bigint
  readonly tries: number
  readonly nextAt: string
  readonly parkedAt: string
  /** Messages in its queue. */
  readonly messages: number
}
