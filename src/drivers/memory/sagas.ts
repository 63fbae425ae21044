import { isSagaId, notASagaId } from '../../message/saga-id.ts'
import type { OpenSaga, SagaChange, SagaStatus, SagaStep, Sagas, StepChange, StepState } from '../../ports/sagas.ts'
import type { MemoryDatabase, MemoryTransaction } from './database.ts'
import type { MemorySession } from './session.ts'

/** A step as it is kept; times are in ms. */
export interface KeptStep extends Omit<SagaStep, 'isDue'> {
  readonly begunAt: number
  readonly changedAt: number
  readonly dueAt: number | null
}

/** A saga as it is kept; times are in ms. */
export interface KeptSaga extends Omit<OpenSaga, 'steps'> {
  readonly number: bigint
  readonly startedAt: number
  readonly progressedAt: number
  readonly dueAt: number | null
  readonly steps: readonly KeptStep[]
}

/** The sagas of a memory database that are committed, by id. */
export function sagasOf(database: MemoryDatabase): Map<string, KeptSaga> {
  return database.table<KeptSaga>('saga')
}

/** Tells whether a saga is not at its end. */
export function isOpenStatus(status: SagaStatus): boolean {
  return status === 'running' || status === 'compensating'
}

/** Tells whether a step is not at its end. */
export function isOpenState(state: StepState): boolean {
  return state === 'asking' || state === 'waiting' || state === 'cancelling' || state === 'undoing'
}

/** Sagas in a memory database. */
export function memorySagas({ database, interrupt }: MemorySession): Sagas<MemoryTransaction> {
  const all = sagasOf(database)
  const own = new WeakMap<MemoryTransaction, Map<string, KeptSaga>>()
  const seen = (tx: MemoryTransaction, id: string): KeptSaga | undefined => own.get(tx)?.get(id) ?? all.get(id)
  const keep = (tx: MemoryTransaction, saga: KeptSaga): void => {
    const mine = own.get(tx) ?? new Map<string, KeptSaga>()
    own.set(tx, mine.set(saga.id, saga))
    tx.atCommit(() => void all.set(saga.id, saga))
  }
  return {
    begin(tx, saga) {
      return database.statement(tx, async () => {
        if (!isSagaId(saga.id)) throw notASagaId()
        await interrupt('begin saga')
        if (seen(tx, saga.id) !== undefined) return false
        await database.lock(tx, lockOf(saga.id), 'exclusive')
        // Another transaction may have begun it while this one waited.
        if (seen(tx, saga.id) !== undefined) return false
        const now = database.clock.now()
        keep(tx, {
          ...saga,
          ...{ number: nextNumber(database), status: 'running', result: null, failure: null, attention: null },
          ...{ tries: 0, error: null, startedAt: now, progressedAt: now, dueAt: null, steps: [] },
        })
        return true
      })
    },

    open(tx, id) {
      return database.statement(tx, async () => {
        await interrupt('open saga')
        // One that is not committed is not there for others, and nobody waits for it.
        if (seen(tx, id) === undefined) return null
        await database.lock(tx, lockOf(id), 'exclusive')
        const saga = seen(tx, id)
        return saga === undefined ? null : toOpen(saga, database.clock.now())
      })
    },

    save(tx, id, change) {
      return database.statement(tx, async () => {
        await interrupt('save saga')
        const saga = seen(tx, id)
        if (saga !== undefined) keep(tx, changed(saga, change, database.clock.now()))
      })
    },

    claim(tx, of) {
      return database.statement(tx, async () => {
        await interrupt('claim saga')
        const now = database.clock.now()
        const due = [...new Map([...all, ...(own.get(tx) ?? [])]).values()]
          .filter(({ dueAt }) => dueAt !== null && dueAt <= now)
          .filter((saga) => of.some(({ type, version }) => type === saga.type && version === saga.version))
          .sort((a, b) => (a.dueAt ?? now) - (b.dueAt ?? now))
        return due.find(({ id }) => database.tryLock(tx, lockOf(id)))?.id ?? null
      })
    },
  }
}

function lockOf(id: string): string {
  return `saga ${id}`
}

/** Drawn and not given back by a rollback. */
function nextNumber(database: MemoryDatabase): bigint {
  const numbers = database.table<bigint>('saga number')
  const next = (numbers.get('last') ?? 0n) + 1n
  numbers.set('last', next)
  return next
}

function toOpen(saga: KeptSaga, now: number): OpenSaga {
  const { id, type, version, hash, input, correlationId, askedBy, status, result, failure, attention } = saga
  return {
    ...{ id, type, version, hash, input, correlationId, askedBy, status, result, failure, attention },
    ...{ tries: saga.tries, error: saga.error },
    steps: saga.steps.map(({ begunAt: _, changedAt: __, dueAt, ...step }) => ({ ...step, isDue: isDue(dueAt, now) })),
  }
}

/** Tells whether a time has come. */
export function isDue(dueAt: number | null, now: number): boolean {
  return dueAt !== null && dueAt <= now
}

function changed(saga: KeptSaga, { turnInMs, steps: changes, ...change }: SagaChange, now: number): KeptSaga {
  const steps = new Map(saga.steps.map((step) => [step.name, step]))
  for (const { due, ...step } of changes) {
    const begunAt = steps.get(step.name)?.begunAt ?? now
    steps.set(step.name, {
      ...step,
      begunAt,
      changedAt: now,
      dueAt: isOpenState(step.state) ? dueAtOf(due, now) : null,
    })
  }
  const kept = [...steps.values()]
  const times = kept.map((step) => step.dueAt).filter((at) => at !== null)
  const first = times.length === 0 ? null : Math.min(...times)
  const dueAt = isOpenStatus(change.status) ? (dueAtOf(turnInMs, now) ?? first) : null
  return { ...saga, ...change, progressedAt: now, dueAt, steps: kept }
}

function dueAtOf(due: StepChange['due'], now: number): number | null {
  if (typeof due === 'string') return Date.parse(due)
  return due === null ? null : now + due
}
