import type { StoredMessage } from '../message/message.ts'
import type { Decided, Decision } from './decision.ts'

/** History that is delivered again to a subscription. */
export interface Replays {
  /** How many of these messages a feed has delivered and never applied: they are parked, or were discarded. */
  unapplied(subscription: string, feed: string, messages: readonly Coordinates[]): Promise<number>

  /**
   * Sets the lanes of a feed back, so that its history is delivered again from there, if there are exactly `expected`
   * messages. Who works on a lane now cannot save what it does. A lane that is behind its start already is left alone.
   *
   * `changed` also when a lane is behind what the person saw; `missing` when there is no such feed.
   */
  replay(subscription: string, wanted: WantedReplay, decision: Decision): Promise<Decided>
}

export type Coordinates = Pick<StoredMessage, 'source' | 'epoch' | 'position'>

export interface WantedReplay {
  readonly feed: string
  readonly epoch: string
  /** By lane: the cursor at which it begins. */
  readonly starts: readonly bigint[]
  /** By lane: how far it was when the person looked. */
  readonly reached: readonly bigint[]
  /** What was asked for, for the audit; JSON text. */
  readonly selection: string
  /** Messages that come again, as counted now. */
  readonly count: number
  readonly expected: number
}
