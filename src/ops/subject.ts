import type { Handler } from '../delivery/handler.ts'
import type { AnyDecider } from '../event-sourcing/decider.ts'
import { dryRun } from '../inbox/dry-run.ts'
import { EstafetError } from '../message/errors.ts'
import type { OutgoingMessage } from '../message/message.ts'
import type { Publish } from '../outbox/publisher.ts'
import type { NewAuditEntry, Recorded } from '../ports/audit.ts'
import type { EventStore } from '../ports/event-store.ts'
import type { Logger } from '../ports/logger.ts'
import type { Operations } from '../ports/operations.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import type { HoldingVault } from '../ports/vault.ts'
import type { Service } from '../runtime/service.ts'
import type { Subject } from './call.ts'
import type { ShownStreams } from './past.ts'
import { steerSaga } from './saga-actions.ts'
import { type OpsProjections, shownProjections } from './shown-projections.ts'

/** What the ops API needs of a service's own database. */
export interface OpsStore<Tx> {
  readonly unitOfWork: UnitOfWork<Tx>
  /** Encodes messages as publishing would. */
  readonly prepare: (messages: readonly OutgoingMessage[]) => unknown
  /** Opens what is personal, for handlers that are tried out. (Default: it stays sealed.) */
  readonly vault?: HoldingVault<Tx> | null
  readonly publish: Publish<Tx>
  readonly operations: Operations<Tx>
}

/** The streams of a service that people may look at. */
export interface OpsStreams<Tx> {
  readonly events: EventStore<Tx>
  /**
   * What makes states of their events. Of a type without one the events are shown and no states, and their payloads to
   * administrators only: nobody says what of them is to be hidden.
   */
  readonly deciders: readonly AnyDecider[]
  /** Up to which version a stream is folded for one answer. (Default: 100,000.) */
  readonly mostEvents?: number
}

export interface SubjectOptions<Tx> extends Pick<Subject, 'running' | 'version' | 'events' | 'clock' | 'random'> {
  readonly service: Pick<Service<Tx>, 'name' | 'lanes' | 'publishes'> & { readonly handlers: readonly Handler<Tx>[] }
  readonly store: OpsStore<Tx>
  readonly streams?: OpsStreams<Tx>
  readonly projections?: OpsProjections<Tx>
  readonly logger: Logger
}

/**
 * Binds a service to its kind of transaction, so that no route has to know it. Throws UNSUPPORTED for a store that has
 * nothing to see and steer a service by, which a program without types can bring, and MISCONFIGURED for two deciders of one
 * type.
 */
export function subjectOf<Tx>(options: SubjectOptions<Tx>): Subject {
  const { service, store, clock, random, logger, running, version, events } = options
  if (store.operations === undefined) throw withoutOperations(service.name)
  const { probe, sagas: _, ...operations } = store.operations
  return {
    ...{ service, running, operations, version, events, clock, random },
    streams: options.streams === undefined ? null : shownStreams(options.streams),
    projections: options.projections === undefined ? null : shownProjections(options.projections),
    tryOut: (message, signal) =>
      dryRun(
        { ...store, vault: store.vault ?? null, probe, handlers: service.handlers, clock, logger },
        message,
        signal,
      ),
    publishOnce: (message, entry, requestId) => publishOnce(store, message, entry, requestId),
    steerSaga: (order) => steerSaga(store, order),
  }
}

function shownStreams<Tx>({ events, deciders, mostEvents = 100_000 }: OpsStreams<Tx>): ShownStreams {
  const byType = new Map(deciders.map((each) => [each.type, each]))
  if (byType.size < deciders.length) {
    throw new EstafetError(
      'MISCONFIGURED',
      'Two deciders of the ops API are of one type: give one for each type of stream.',
    )
  }
  return { read: (stream, range) => events.read(stream, range), deciders: byType, mostEvents }
}

function withoutOperations(service: string): EstafetError {
  return new EstafetError(
    'UNSUPPORTED',
    `The store of ${service} has no operations, so there is no ops API for it: a PostgreSQL store has them.`,
    { details: { service } },
  )
}

/** Ends the transaction of a request that was made before; it never leaves this file. */
class Undo extends Error {}

async function publishOnce<Tx>(
  store: OpsStore<Tx>,
  message: OutgoingMessage,
  entry: NewAuditEntry,
  requestId: string,
): Promise<Recorded> {
  let recorded: Recorded | null = null
  try {
    return await store.unitOfWork.run(async (tx) => {
      const [published] = await store.publish(tx, message)
      const request = { requestId, result: published?.id ?? null }
      recorded = await store.operations.audit.record(tx, entry, request)
      if (recorded.outcome !== 'done') throw new Undo()
      return recorded
    })
  } catch (error) {
    if (error instanceof Undo && recorded !== null) return recorded
    throw error
  }
}
