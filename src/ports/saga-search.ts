import type { Page, PageRequest } from './page.ts'
import type { OpenSaga, SagaStatus, SagaStep, SagaVersion } from './sagas.ts'

/** Sagas as people look at them. Ages are by the clock of the database. */
export interface SagaSearch {
  /** Sagas that everything given fits, the first begun first. A page begins above its `after`, a number of a saga. */
  list(filter: SagaFilter, page: PageRequest): Promise<Page<SagaRow>>
  /** One with all its steps. Null: there is none. */
  show(id: string): Promise<ShownSaga | null>
  /** Of each definition that sagas have, how many are in which condition; by type, version, hash and status. */
  summary(): Promise<readonly SagaSummary[]>
}

export interface SagaFilter {
  readonly type: string | null
  readonly status: SagaStatus | null
  /** Only those that are not at their end, and did not get on for so many seconds. */
  readonly idleSeconds: number | null
  /** Only those that a person should look at; see isStuck of SagaRow. */
  readonly isStuck: boolean
}

export interface SagaRow extends Omit<OpenSaga, 'steps' | 'input' | 'result' | 'askedBy'> {
  /** Its place among those of its database. */
  readonly number: bigint
  /** ISO 8601. */
  readonly startedAt: string
  /** When a turn was last kept. ISO 8601. */
  readonly progressedAt: string
  /** Seconds since then; 0 when it is at its end. */
  readonly idleSeconds: number
  /** When something of it is due; null: never by itself. */
  readonly dueAt: string | null
  /** Seconds since it was due; 0 when it is not. */
  readonly overdueSeconds: number
  /**
   * It is not at its end and asks for a person, or nothing of it will ever be due, or it has been due for a minute and nobody took it
   * up: no process runs, or none has its version.
   */
  readonly isStuck: boolean
  /** Steps that are not at their end: asking, waiting, cancelling, undoing. */
  readonly openSteps: readonly Pick<SagaStep, 'name' | 'kind' | 'state' | 'tries'>[]
}

export interface ShownSaga extends SagaRow, Pick<OpenSaga, 'input' | 'result' | 'askedBy'> {
  readonly steps: readonly ShownStep[]
}

export interface ShownStep extends SagaStep {
  readonly begunAt: string
  readonly changedAt: string
  readonly dueAt: string | null
}

export interface SagaSummary extends SagaVersion {
  readonly hash: string
  readonly status: SagaStatus
  readonly sagas: number
  readonly stuck: number
  /** Of the one that did not get on for longest. */
  readonly idleSeconds: number
  /** Of the stuck one that did not get on for longest; 0 when none is. */
  readonly stuckSeconds: number
}
