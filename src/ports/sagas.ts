/**
 * What became of each step of each saga, in the database of the service that runs them. Times are those of the database.
 *
 * @source correctness.md R6.1, R6.2, R6.8
 */
export interface Sagas<Tx> {
  /**
   * Writes a saga down as part of `tx`, open in it; false when there is one of this id. Nothing is due until it is saved. Throws
   * INVALID_MESSAGE when its id is no text of 1 to 512 well-formed characters.
   */
  begin(tx: Tx, saga: NewSaga): Promise<boolean>

  /**
   * A saga with its steps, for `tx` alone: another transaction that opens it waits until `tx` has ended, and sees what became of
   * it. Null: there is none.
   */
  open(tx: Tx, id: string): Promise<OpenSaga | null>

  /** Keeps what a turn changed in a saga that `tx` has open. */
  save(tx: Tx, id: string, change: SagaChange): Promise<void>

  /**
   * Opens for `tx` the saga of these definitions of which something is due, the longest overdue first, and tells its id. One that
   * another transaction has open is passed over. Null: there is none. It looks at what is due, never at where it looked before: what
   * was committed late is found.
   */
  claim(tx: Tx, of: readonly SagaVersion[]): Promise<string | null>
}

export interface SagaVersion {
  readonly type: string
  readonly version: number
}

/** completed and compensated are ends. */
export type SagaStatus = 'running' | 'compensating' | 'completed' | 'compensated'

export interface NewSaga extends SagaVersion {
  readonly id: string
  /** Names the text of its definition: another one under the same version is refused. */
  readonly hash: string
  /** JSON text. */
  readonly input: string
  /** Of all that it sends. */
  readonly correlationId: string
  /** Who is told of its end, JSON text; null for nobody. */
  readonly askedBy: string | null
}

export interface OpenSaga extends NewSaga {
  readonly status: SagaStatus
  /** JSON text of what a completed saga returned. */
  readonly result: string | null
  /** Why it was taken back, or is being. */
  readonly failure: string | null
  /** What a person should look at; null for nothing. */
  readonly attention: string | null
  /** How often its last turn was tried and thrown away; 0 when it was kept. */
  readonly tries: number
  /** Why, without content. */
  readonly error: string | null
  /** In the order in which they began. */
  readonly steps: readonly SagaStep[]
}

/**
 * run: work of the saga's own service. request: a command to another. sleep: a time. wait: an event. event: one that came, for whoever
 * waits for it.
 */
export type StepKind = 'run' | 'request' | 'sleep' | 'wait' | 'event'

/**
 * asking: it is to be asked again. waiting: for an answer, an event or a time. cancelling: it was not answered in time and is taken
 * back. undoing: it was done, or may have been, and is taken back because the saga is. The others are ends: kept is done and not to
 * be taken back, and of an event, that nobody waited for it yet.
 */
export type StepState =
  | 'asking'
  | 'waiting'
  | 'cancelling'
  | 'undoing'
  | 'done'
  | 'refused'
  | 'cancelled'
  | 'undone'
  | 'kept'

export interface SagaStep {
  /** Unique in its saga, 1 to 200 characters. */
  readonly name: string
  readonly kind: StepKind
  readonly state: StepState
  /** JSON text: what a step came to. */
  readonly value: string | null
  /** JSON text: of a request, what is asked for; of a wait, for what. */
  readonly request: string | null
  /** True when it left something that is taken back with the saga. */
  readonly hasUndo: boolean
  /** True when nothing is taken back any more once it is done. */
  readonly isPivot: boolean
  /** How often its present state was tried. */
  readonly tries: number
  /** What a person said about it. */
  readonly note: string | null
  /** Its place among those that came to a value, from 1; null: it has none. A replay hears of them in this order. */
  readonly rank: number | null
  /** True when its time has come. */
  readonly isDue: boolean
}

export interface StepChange extends Omit<SagaStep, 'isDue'> {
  /** In so many milliseconds, or at an instant (ISO 8601); null: never by itself. A step at its end never is, whatever is said. */
  readonly due: number | string | null
}

export interface SagaChange {
  readonly version: number
  readonly hash: string
  readonly status: SagaStatus
  readonly result: string | null
  readonly failure: string | null
  readonly attention: string | null
  readonly tries: number
  readonly error: string | null
  /** In how many milliseconds it wants its next turn, whatever its steps say; null: when the first of its steps is due. */
  readonly turnInMs: number | null
  /** Those that are new or changed, in the order in which they began. */
  readonly steps: readonly StepChange[]
}
