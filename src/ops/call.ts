import type { Handler } from '../delivery/handler.ts'
import type { DryRun } from '../inbox/dry-run.ts'
import type { EventType } from '../message/event.ts'
import type { OutgoingMessage, StoredMessage } from '../message/message.ts'
import type { Audit, NewAuditEntry, Recorded } from '../ports/audit.ts'
import type { Clock } from '../ports/clock.ts'
import type { Operations } from '../ports/operations.ts'
import type { Random } from '../ports/random.ts'
import type { Running } from '../runtime/running.ts'
import type { Params } from './params.ts'
import type { ShownStreams } from './past.ts'
import type { SagaOrder, Steered } from './saga-actions.ts'
import type { ShownProjections } from './shown-projections.ts'
import type { Caller } from './tokens.ts'

/** The service that an ops API is about. Its kind of transaction is nobody's business from here on: see subject.ts. */
export interface Subject {
  readonly service: {
    readonly name: string
    readonly lanes: number
    readonly publishes: readonly EventType<never, unknown>[]
    readonly handlers: readonly HandlerFacts[]
  }
  readonly running: Pick<Running, 'subscription' | 'feeds' | 'health' | 'counters' | 'parked'>
  readonly operations: Omit<Operations<never>, 'audit' | 'probe' | 'sagas'> & {
    readonly audit: Pick<Audit<never>, 'list'>
  }
  /** Runs the handlers of a message without effect. */
  readonly tryOut: (message: StoredMessage, signal: AbortSignal) => Promise<DryRun>
  /** Publishes a message and audits it in one transaction, unless the request was made before. */
  readonly publishOnce: (message: OutgoingMessage, entry: NewAuditEntry, requestId: string) => Promise<Recorded>
  /** Does what a person says to a saga and audits it in one transaction, unless the request was made before. */
  readonly steerSaga: (order: SagaOrder) => Promise<Steered>
  /** Of the service's code. */
  readonly version: string
  /** Events whose masks apply beside those that the service publishes: those it handles. */
  readonly events: readonly EventType<never, unknown>[]
  /** Of the service's own events; null when they are not shown. */
  readonly streams: ShownStreams | null
  /** Read models; null when they are not shown. */
  readonly projections: ShownProjections | null
  readonly clock: Clock
  readonly random: Random
}

export type HandlerFacts = Pick<Handler<never>, 'name' | 'type' | 'topic' | 'isSet' | 'timeoutMs' | 'check'> & {
  readonly mask?: readonly string[]
  readonly personalFields?: readonly string[]
}

/** One request that has passed the gate. */
export interface Call extends Subject {
  readonly params: Params
  readonly caller: Caller
  readonly signal: AbortSignal
}

/** What a route answers: JSON, or JSON objects one a line. */
export type Answer = object | { readonly lines: AsyncIterable<object> }

export type RouteHandler = (call: Call) => Promise<Answer>
