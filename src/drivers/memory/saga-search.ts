import type { Page, PageRequest } from '../../ports/page.ts'
import type { SagaFilter, SagaRow, SagaSearch, SagaSummary, ShownStep } from '../../ports/saga-search.ts'
import { isDue, isOpenState, isOpenStatus, type KeptSaga, type KeptStep, sagasOf } from './sagas.ts'
import type { MemorySession } from './session.ts'

const minuteMs = 60_000

/** The sagas of a memory database, as people look at them. */
export function memorySagaSearch({ database, interrupt }: MemorySession): SagaSearch {
  const all = (): readonly KeptSaga[] => [...sagasOf(database).values()].sort((a, b) => (a.number < b.number ? -1 : 1))
  return {
    async list(filter, page) {
      await interrupt('list sagas')
      const now = database.clock.now()
      return pageOf(
        all().filter((saga) => fits(saga, filter, now)),
        page,
        now,
      )
    },

    async show(id) {
      await interrupt('show saga')
      const saga = sagasOf(database).get(id)
      if (saga === undefined) return null
      const now = database.clock.now()
      const { input, result, askedBy } = saga
      return { ...toRow(saga, now), input, result, askedBy, steps: saga.steps.map((step) => toShown(step, now)) }
    },

    async summary() {
      await interrupt('summarise sagas')
      return summaryOf(all(), database.clock.now())
    },
  }
}

function pageOf(sagas: readonly KeptSaga[], { after, limit }: PageRequest, now: number): Page<SagaRow> {
  const left = sagas.filter(({ number }) => number > (after ?? 0n))
  const items = left.slice(0, limit)
  return {
    items: items.map((saga) => toRow(saga, now)),
    next: left.length > limit ? (items.at(-1)?.number ?? null) : null,
  }
}

function fits(saga: KeptSaga, { type, status, idleSeconds, isStuck }: SagaFilter, now: number): boolean {
  if (type !== null && saga.type !== type) return false
  if (status !== null && saga.status !== status) return false
  if (idleSeconds !== null && !(isOpenStatus(saga.status) && idleSecondsOf(saga, now) >= idleSeconds)) return false
  return !isStuck || isStuckAt(saga, now)
}

function isStuckAt({ status, attention, dueAt }: KeptSaga, now: number): boolean {
  return isOpenStatus(status) && (attention !== null || dueAt === null || dueAt <= now - minuteMs)
}

function idleSecondsOf({ status, progressedAt }: KeptSaga, now: number): number {
  return isOpenStatus(status) ? secondsSince(progressedAt, now) : 0
}

/** Whole seconds since an instant; 0 since none, and since one that is to come. */
function secondsSince(at: number | null, now: number): number {
  return at === null ? 0 : Math.max(0, Math.floor((now - at) / 1_000))
}

function toRow(saga: KeptSaga, now: number): SagaRow {
  const { number, id, type, version, hash, correlationId, status, failure, attention, tries, error } = saga
  return {
    ...{ number, id, type, version, hash, correlationId, status, failure, attention, tries, error },
    ...{ startedAt: instant(saga.startedAt), progressedAt: instant(saga.progressedAt) },
    ...{ idleSeconds: idleSecondsOf(saga, now), dueAt: saga.dueAt === null ? null : instant(saga.dueAt) },
    ...{ overdueSeconds: secondsSince(saga.dueAt, now), isStuck: isStuckAt(saga, now) },
    openSteps: saga.steps
      .filter(({ state }) => isOpenState(state))
      .map(({ name, kind, state, tries }) => ({ name, kind, state, tries })),
  }
}

function toShown({ begunAt, changedAt, dueAt, ...step }: KeptStep, now: number): ShownStep {
  const times = { begunAt: instant(begunAt), changedAt: instant(changedAt) }
  return { ...step, ...times, isDue: isDue(dueAt, now), dueAt: dueAt === null ? null : instant(dueAt) }
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}

const none = { sagas: 0, stuck: 0, idleSeconds: 0, stuckSeconds: 0 }

/** In the order of their names, as the code units have it. */
function summaryOf(sagas: readonly KeptSaga[], now: number): readonly SagaSummary[] {
  const found = new Map<string, SagaSummary>()
  for (const saga of sagas) {
    const { type, version, hash, status } = saga
    const name = [type, `${version}`.padStart(10, '0'), hash, status].join('\n')
    const before = found.get(name) ?? { type, version, hash, status, ...none }
    const [isStuck, idleSeconds] = [isStuckAt(saga, now), idleSecondsOf(saga, now)]
    found.set(name, {
      ...before,
      sagas: before.sagas + 1,
      stuck: before.stuck + (isStuck ? 1 : 0),
      idleSeconds: Math.max(before.idleSeconds, idleSeconds),
      stuckSeconds: Math.max(before.stuckSeconds, isStuck ? idleSeconds : 0),
    })
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}
