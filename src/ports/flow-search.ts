import type { FlowEvent, FlowName, FlowStatus, FlowView } from './flows.ts'
import type { Page, PageRequest } from './page.ts'

/** Flows as people look at them. Ages are by the clock of the database. */
export interface FlowSearch {
  /** Flows that everything given fits, the first seen first. */
  list(filter: FlowFilter, page: PageRequest): Promise<Page<FlowRow>>
  /** One with all that happened in it. Null: nothing of it was seen. */
  show(flow: FlowName): Promise<ShownFlow | null>
  /** How many there are of each kind, in order of the kinds. */
  summary(): Promise<readonly FlowSummary[]>
}

export interface FlowFilter {
  /** Of this kind; null: of any. */
  readonly flow: string | null
  readonly status: FlowStatus | null
  /** Only those that wait for something that should have happened by now. */
  readonly isOverdue: boolean
}

export interface FlowRow extends FlowName, FlowView {
  /** Its place among those of its database. */
  readonly number: bigint
  /** Seconds since its last event, as far as clocks agree: 0 at least. Whole seconds. */
  readonly idleSeconds: number
  /** Seconds since the first thing that is awaited was due; 0 when it is not. Whole seconds. */
  readonly overdueSeconds: number
}

export interface ShownFlow extends FlowRow {
  /** In order of their times, those of one time in order of their ids. */
  readonly events: readonly FlowEvent[]
}

export interface FlowSummary {
  readonly flow: string
  readonly unbegun: number
  readonly waiting: number
  readonly overdue: number
  readonly ended: number
}
