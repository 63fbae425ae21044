import type { Answer, AskedCommand } from '../message/command.ts'
import type { EventType } from '../message/event.ts'
import type { OutgoingMessage, ReceivedMessage } from '../message/message.ts'
import type { Logger } from '../ports/logger.ts'

/** What local work may use. Everything done through it commits with the saga's step, or not at all. */
export interface StepContext<Tx> {
  /** The transaction of the service's own database. Do not commit or roll it back. */
  readonly tx: Tx
  /** Publishes with this transaction, under the saga's correlation id. */
  readonly publish: (...messages: readonly OutgoingMessage[]) => void
  readonly log: Logger
  /** Aborts when the process stops or the turn took too long; what is done after that is rolled back. */
  readonly signal: AbortSignal
}

export interface WorkOptions<Tx, Result> {
  /** Makes up for what was done, when the saga is taken back: tried until it succeeds. (Default: there is nothing to take back.) */
  readonly undo?: (result: Result, context: StepContext<Tx>) => Promise<void>
  /** Once it is done, the saga only goes forward. (Default: false.) */
  readonly isPivot?: boolean
}

export interface AskOptions {
  /** How long an answer is waited for; then the step is taken back, and comes to `cancelled` unless it was done for good. (Default: 1 min.) */
  readonly timeoutMs?: number
  /** False: it stays when the saga is taken back, such as a question. (Default: true.) */
  readonly hasUndo?: boolean
  /** Once it is done, the saga only goes forward. (Default: false.) */
  readonly isPivot?: boolean
}

export interface WaitForOptions<Data> {
  readonly timeoutMs: number
  /** Which of the saga's events it is. (Default: any of the type.) */
  readonly where?: (received: ReceivedMessage<Data>) => boolean
}

export type Happened<Data> = { readonly outcome: 'happened'; readonly data: Data } | { readonly outcome: 'timed-out' }

/**
 * The steps of a saga, each under a name of its own: 1 to 100 characters. A step that was done is not done again; it resolves to what
 * it came to, which is kept as JSON.
 *
 * Throws MISCONFIGURED for a name that was used before, or for another kind of step.
 */
export interface Steps<Tx> {
  /** Of the saga. */
  readonly id: string
  readonly correlationId: string

  /**
   * Does work in the service's own database, in the transaction that keeps the step. What it throws is no answer: the turn is rolled
   * back and tried again. Work in other places belongs to a service that is asked.
   */
  run<Result>(
    name: string,
    work: (context: StepContext<Tx>) => Promise<Result>,
    options?: WorkOptions<Tx, Result>,
  ): Promise<Result>

  /** Asks a service, and resolves to its answer: done, refused, or cancelled, when it has no effect and never will have. */
  request<Input, Result, Refusal extends string>(
    name: string,
    command: AskedCommand<Input, Result, Refusal>,
    data: Input,
    options?: AskOptions,
  ): Promise<Answer<Result, Refusal>>

  /** Waits, by the clock of the database: for so many milliseconds, or until an instant, ISO 8601. */
  sleep(name: string, until: number | string): Promise<void>

  /** Waits for an event of the saga's; one that came before counts, each for one step. */
  waitFor<Data>(name: string, event: EventType<never, Data>, options: WaitForOptions<Data>): Promise<Happened<Data>>
}
