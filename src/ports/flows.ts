/**
 * What happened in flows that services make by answering each other's events, in the database of whoever follows them: one row for
 * each flow and correlation id.
 *
 * @source correctness.md R6.9
 */
export interface Flows<Tx> {
  /**
   * Notes an event as part of `tx`, once for its source and id, and returns all that are known of the same flow, in no order. Another
   * transaction that notes one of the same flow waits until `tx` has ended, and sees it.
   */
  note(tx: Tx, flow: FlowName, event: FlowEvent): Promise<readonly FlowEvent[]>

  /** Keeps what follows from the events of a flow of which `tx` has noted one. */
  save(tx: Tx, flow: FlowName, view: FlowView): Promise<void>

  /** Forgets flows whose last event is so many days old and that are not waiting, with what happened in them. */
  forget(tx: Tx, days: number): Promise<void>
}

/** One flow of all those of its kind. */
export interface FlowName {
  readonly flow: string
  readonly correlationId: string
}

export interface FlowEvent {
  readonly source: string
  readonly id: string
  readonly type: string
  /** When its source's log took it; ISO 8601 in UTC. */
  readonly at: string
}

/**
 * waiting: events are awaited. ended: none is. unbegun: its beginning was not seen, yet or ever: it may come by another topic, or
 * the event belongs to something else.
 */
export type FlowStatus = 'unbegun' | 'waiting' | 'ended'

/** What follows from the events of a flow, whatever the order in which they came. */
export interface FlowView {
  readonly status: FlowStatus
  /** Of its first beginning; null while it is unbegun. ISO 8601. */
  readonly begunAt: string | null
  /** Of its last event. ISO 8601. */
  readonly lastAt: string
  /** What is awaited, the first due first. */
  readonly awaited: readonly OpenExpectation[]
  /** The first time by which something should have happened; null when nothing is awaited. ISO 8601. */
  readonly dueAt: string | null
}

/** That one of some events follows another, and did not yet. */
export interface OpenExpectation {
  readonly after: string
  readonly oneOf: readonly string[]
  /** How many of `after` were not followed yet. */
  readonly count: number
  /** When the first of those happened; ISO 8601. */
  readonly since: string
  /** ISO 8601. */
  readonly until: string
}
