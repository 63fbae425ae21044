import type { Audit, NewAuditEntry } from '../ports/audit.ts'
import type { OpenSaga, SagaChange, SagaStatus, Sagas } from '../ports/sagas.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import { act, type SagaAction } from '../saga/act.ts'

/** What a person says to a saga. cancel: compensate, but only one that runs. */
export interface SagaOrder {
  readonly id: string
  readonly action: SagaAction | { readonly do: 'cancel' }
  readonly reason: string
  readonly entry: NewAuditEntry
  readonly requestId: string
}

/**
 * What came of it. repeated: it was done before, when the same request came first. In all but `done` nothing was done; `why` says why
 * it was refused.
 */
export type Steered =
  | { readonly outcome: 'done' | 'repeated'; readonly status: string | null }
  | { readonly outcome: 'missing' | 'reused' }
  | { readonly outcome: 'refused'; readonly why: string }

/** Where it is done: the service's own database. */
export interface SteeredStore<Tx> {
  readonly unitOfWork: UnitOfWork<Tx>
  readonly operations: { readonly sagas: Sagas<Tx>; readonly audit: Pick<Audit<Tx>, 'record'> }
}

/** Ends a transaction that must leave nothing; it never leaves this file. */
class Undo extends Error {
  readonly steered: Steered

  constructor(steered: Steered) {
    super(steered.outcome)
    this.steered = steered
  }
}

/**
 * Does what a person says to a saga, whole with its row of the audit, once for each request. No turn is taken here: what is made is
 * due at once, and whoever runs the service's sagas takes it up.
 */
export async function steerSaga<Tx>(store: SteeredStore<Tx>, order: SagaOrder): Promise<Steered> {
  const { sagas, audit } = store.operations
  try {
    return await store.unitOfWork.run(async (tx) => {
      // Locked first: a turn under way ends before, and of two requests with one id the second finds the first in the audit.
      const saga = await sagas.open(tx, order.id)
      if (saga === null) throw new Undo({ outcome: 'missing' })
      const made = changeOf(saga, order)
      const status: SagaStatus | null = typeof made === 'string' ? null : made.status
      // Before it is refused: a request that was carried out cannot be carried out again, and its repeat is no fault.
      const { outcome, result } = await audit.record(tx, order.entry, { requestId: order.requestId, result: status })
      if (outcome !== 'done') throw new Undo(outcome === 'reused' ? { outcome } : { outcome, status: result })
      if (typeof made === 'string') throw new Undo({ outcome: 'refused', why: made })
      await sagas.save(tx, order.id, made)
      return { outcome: 'done', status }
    })
  } catch (error) {
    if (error instanceof Undo) return error.steered
    throw error
  }
}

function changeOf(saga: OpenSaga, { action, reason }: SagaOrder): SagaChange | string {
  if (action.do !== 'cancel') return act(saga, action, reason)
  if (saga.status === 'running') return act(saga, { do: 'compensate' }, reason)
  return saga.status === 'completed'
    ? 'only a saga that runs is cancelled, and this one is completed: compensate takes it back'
    : `the saga is ${saga.status} already`
}
