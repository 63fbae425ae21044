/**
 * Keeps, for each lane of a subscription, how far it got and which process may work on it, in the subscriber's own
 * database. Times are the database's clock.
 */
export interface LaneStore<Tx> {
  /**
   * Says that a process is alive, extends its leases of the lanes it works on, and shows who holds what. Creates the
   * group's lanes at `starts` when they do not exist yet.
   *
   * A lane that the process holds and does not work on is not extended: it was lost on the way and must become free.
   * With a lease of 0 ms the process says goodbye: from then on it is no member, and its share goes to the others.
   *
   * Throws MISCONFIGURED when the group exists with another number of lanes: keys would change lanes between messages.
   * Throws EPOCH_CHANGED when there is progress in another epoch and none in this one, unless that was accepted:
   * beginning anew would repeat effects, going on would skip messages, and only a person knows which log this is.
   */
  survey(group: LaneGroup, member: LaneMember): Promise<LaneSurvey>

  /**
   * Leases a lane that is free or whose lease has lapsed, under a new fence. Null when another process holds it, or
   * when a transaction of a former holder still locks it.
   */
  take(group: LaneGroup, lane: number, owner: string, leaseMs: number): Promise<Lane | null>

  /**
   * Saves progress as part of `tx`, if the lane is still as `lane` says: the same fence and the same cursor.
   *
   * Throws FENCED otherwise, and `tx` can then only roll back: this is what makes a paused and resumed process harmless
   * and an effect happen once.
   */
  save(tx: Tx, lane: Lane, progress: Progress): Promise<void>

  /** Gives the lane back at once, if it is still held under this fence. */
  release(lane: Lane): Promise<void>
}

export interface LaneGroup {
  readonly subscription: string
  /** Name of the feed. */
  readonly feed: string
  readonly epoch: string
  /** By lane: the cursor at which it begins if it does not exist yet. Its length is the number of lanes. */
  readonly starts: readonly bigint[]
  /** True when a person decided where to begin in this epoch; else progress in another epoch refuses the group. */
  readonly isNewEpochAccepted: boolean
}

export interface LaneMember {
  /** Unique among all processes. */
  readonly owner: string
  readonly leaseMs: number
  /** Lanes that it works on now. */
  readonly working: readonly number[]
}

export interface LaneSurvey {
  /** Processes heard from within their lease, in a fixed order; the asking one among them. */
  readonly members: readonly string[]
  /** By lane number: who holds a live lease, or null. */
  readonly holders: readonly (string | null)[]
}

export interface Progress {
  readonly cursor: bigint
  /** Last position taken, by chain: `source/epoch` of a topic's partition. Empty where the feed has no chain. */
  readonly marks: Readonly<Record<string, bigint>>
}

export interface Lane extends Progress {
  readonly group: LaneGroup
  readonly index: number
  readonly owner: string
  /** Grows each time the lane is taken; a commit under an older one is refused. */
  readonly fence: bigint
  /** Holders in a row, before this one, that went away without saving anything or giving it back. */
  readonly abandoned: number
}
