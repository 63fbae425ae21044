import type { OpenSaga, SagaChange, SagaStep, ShownStep, StepChange } from 'estafet'
import type { SagasDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { type KeptSaga, sagasOf } from '../../src/drivers/memory/sagas.ts'
import { isSagaId } from '../../src/message/saga-id.ts'
import { memorySagasDriver } from './memory-driver.ts'

type Driver = SagasDriver<MemoryTransaction>
type Memory = ReturnType<typeof memorySagasDriver>
type Sagas = Driver['sagas']

/** Stores of sagas that each break one promise, by what is wrong with them. */
export const brokenSagas: Readonly<Record<string, () => Driver>> = {
  'begins again': () => withSagas((sagas) => ({ begin: (tx, saga) => sagas.begin(tx, saga).then(() => true) })),
  'begins as another': () =>
    withSagas((sagas) => ({ begin: (tx, saga) => sagas.begin(tx, { ...saga, type: 'booking', version: 1 }) })),
  'begins with who asked lost': () =>
    withSagas((sagas) => ({ begin: (tx, saga) => sagas.begin(tx, { ...saga, askedBy: null }) })),
  'begins in a transaction of its own': () =>
    withSagas((sagas, { unitOfWork }) => ({ begin: (_, saga) => unitOfWork.run((tx) => sagas.begin(tx, saga)) })),
  'remembers what was rolled back': () =>
    withSagas((sagas) => {
      const ever = new Set<string>()
      return {
        async begin(tx, saga) {
          if (ever.has(saga.id)) return false
          ever.add(saga.id)
          return sagas.begin(tx, saga)
        },
      }
    }),
  'takes any id': () =>
    withSagas((sagas) => ({
      begin: (tx, saga) => sagas.begin(tx, { ...saga, id: anyId(saga.id) }),
      open: (tx, id) => sagas.open(tx, anyId(id)),
      save: (tx, id, change) => sagas.save(tx, anyId(id), change),
    })),
  'knows one saga': () =>
    withSagas((sagas) => ({
      begin: (tx, saga) => sagas.begin(tx, { ...saga, id: 'a' }),
      open: (tx) => sagas.open(tx, 'a'),
      save: (tx, _, change) => sagas.save(tx, 'a', change),
    })),
  'locks nothing': () =>
    withSagas((sagas, { unitOfWork }) => ({ open: (_, id) => unitOfWork.run((tx) => sagas.open(tx, id)) })),
  'locks all': () =>
    withSagas((sagas, { database }) => ({
      async open(tx, id) {
        await database.lock(tx, 'all', 'exclusive')
        return sagas.open(tx, id)
      },
    })),
  'sees steps from before it waited': () =>
    withSagas((sagas, { search }) => ({
      async open(tx, id) {
        const before = await search.show(id)
        const saga = await sagas.open(tx, id)
        return saga === null || before === null ? saga : { ...saga, steps: before.steps.map(asStep) }
      },
    })),
  'saves in a transaction of its own': () =>
    withSagas((sagas, { unitOfWork }) => ({
      save: (_, id, change) => unitOfWork.run((tx) => sagas.save(tx, id, change)),
    })),
  'saves nothing': () => withSagas(() => ({ save: () => Promise.resolve() })),
  'keeps the steps of the last save': () =>
    withSagas((sagas) => {
      const last = new Map<string, readonly StepChange[]>()
      return {
        async save(tx, id, change) {
          await sagas.save(tx, id, change)
          last.set(id, change.steps)
        },
        open: opening(sagas, (saga) => ({
          steps: saga.steps.filter(({ name }) => last.get(saga.id)?.some((step) => step.name === name)),
        })),
      }
    }),
  'moves a changed step to the end': () =>
    withSagas((sagas) => {
      const last = new Map<string, number>()
      let saves = 0
      return {
        async save(tx, id, change) {
          await sagas.save(tx, id, change)
          saves += 1
          for (const { name } of change.steps) last.set(`${id} ${name}`, saves)
        },
        open: opening(sagas, ({ id, steps }) => ({
          steps: steps.toSorted((a, b) => (last.get(`${id} ${a.name}`) ?? 0) - (last.get(`${id} ${b.name}`) ?? 0)),
        })),
      }
    }),
  'orders steps by name': () =>
    withSagas((sagas) => ({
      open: opening(sagas, ({ steps }) => ({ steps: steps.toSorted((a, b) => (a.name < b.name ? -1 : 1)) })),
    })),
  'knows steps by name alone': () =>
    withSagas((sagas) => {
      const notes = new Map<string, string | null>()
      return {
        async save(tx, id, change) {
          await sagas.save(tx, id, change)
          for (const { name, note } of change.steps) notes.set(name, note)
        },
        open: opening(sagas, ({ steps }) => ({
          steps: steps.map((step) => ({ ...step, note: notes.get(step.name) ?? null })),
        })),
      }
    }),
  'loses what a step asks for': () => savingSteps((step) => ({ ...step, request: null })),
  'keeps a version': () => saving((change) => ({ ...change, version: 1 })),
  'refuses odd texts': () =>
    withSagas((sagas) => ({
      async save(tx, id, change) {
        if (change.failure?.includes('\u0000') === true) throw new Error('invalid byte sequence')
        await sagas.save(tx, id, change)
      },
    })),
  'all is due': () => savingSteps((step) => ({ ...step, due: step.due === null ? null : 0 })),
  'nothing is due': () =>
    saving((change) => ({ ...withSteps(change, (step) => ({ ...step, due: null })), turnInMs: null })),
  'no instant is due': () => savingSteps((step) => ({ ...step, due: typeof step.due === 'string' ? null : step.due })),
  'no step is due': () =>
    withSagas((sagas) => ({
      open: opening(sagas, ({ steps }) => ({ steps: steps.map((step) => ({ ...step, isDue: false })) })),
    })),
  'wants no turn': () => saving((change) => ({ ...change, turnInMs: null })),
  'wants a turn when a step is due, too': () =>
    keeping((saga) => ({
      ...saga,
      dueAt: isOpen(saga) ? firstOf([saga.dueAt, ...saga.steps.map(({ dueAt }) => dueAt)]) : null,
    })),
  'wants turns for ever': () =>
    keeping((saga, before) => ({ ...saga, dueAt: isOpen(saga) ? firstOf([saga.dueAt, before.dueAt]) : null })),
  'forgets the times of steps that a save leaves out': () =>
    keeping((saga, _, change) => ({
      ...saga,
      dueAt: change.steps.some(({ due }) => due !== null) || change.turnInMs !== null ? saga.dueAt : null,
    })),
  'what has ended is due': () => keeping((saga) => ({ ...saga, dueAt: saga.dueAt ?? (isOpen(saga) ? null : 0) })),
  'a step that has ended is due': () =>
    keeping((saga, _, { steps }) => {
      const ended = saga.steps.filter(
        ({ state, name }) => isEnd(state) && steps.some((s) => s.name === name && s.due === 0),
      )
      return { ...saga, dueAt: saga.dueAt ?? (isOpen(saga) && ended.length > 0 ? 0 : null) }
    }),
  'claims the first begun': () => claimingOf((due) => due.toSorted((a, b) => (a.number < b.number ? -1 : 1))),
  'claims what is due in time': () =>
    withSagas((sagas, { database }) => ({
      async claim(tx, of) {
        const claimed = await sagas.claim(tx, of)
        return claimed ?? [...sagasOf(database).values()].find(({ dueAt }) => dueAt !== null)?.id ?? null
      },
    })),
  'looks on from where it looked before': () => {
    let cursor = 0
    return claimingOf(
      (due) => due.filter(({ dueAt }) => (dueAt ?? 0) >= cursor),
      ({ dueAt }) => {
        cursor = dueAt ?? cursor
      },
    )
  },
  'claims each saga once': () => {
    const ever = new Set<string>()
    return claimingOf(
      (due) => due.filter(({ id }) => !ever.has(id)),
      ({ id }) => ever.add(id),
    )
  },
  'claims any definition': () =>
    withSagas((sagas, { database }) => ({
      claim: (tx) => sagas.claim(tx, [...sagasOf(database).values()]),
    })),
  'takes types and versions apart': () =>
    withSagas((sagas) => ({
      claim: (tx, of) =>
        sagas.claim(
          tx,
          of.flatMap(({ type }) => of.map(({ version }) => ({ type, version }))),
        ),
    })),
  'claims by the version of the beginning': () => {
    const began = new Map<string, number>()
    return withSagas((sagas, { database }) => ({
      begin(tx, saga) {
        began.set(saga.id, saga.version)
        return sagas.begin(tx, saga)
      },
      async claim(tx, of) {
        const all = [...sagasOf(database).values()].filter(({ version, id }) => version === began.get(id))
        return sagas.claim(
          tx,
          all.filter(({ type, version }) => of.some((each) => each.type === type && each.version === version)),
        )
      },
    }))
  },
  'waits for what is open': () =>
    withSagas((sagas, { database, now }) => ({
      async claim(tx, of) {
        const time = await now()
        const [first] = [...sagasOf(database).values()]
          .filter(({ type, version }) => of.some((each) => each.type === type && each.version === version))
          .filter(({ dueAt }) => dueAt !== null && dueAt <= time)
          .sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0))
        if (first !== undefined) await sagas.open(tx, first.id)
        return sagas.claim(tx, of)
      },
    })),
  'claims and does not open': () =>
    withSagas((sagas, { unitOfWork }) => ({ claim: (_, of) => unitOfWork.run((tx) => sagas.claim(tx, of)) })),
}

function withSagas(change: (sagas: Sagas, driver: Memory) => Partial<Sagas>): Driver {
  const driver = memorySagasDriver()
  return { ...driver, sagas: { ...driver.sagas, ...change(driver.sagas, driver) } }
}

function opening(sagas: Sagas, change: (saga: OpenSaga) => Partial<OpenSaga>): Sagas['open'] {
  return async (tx, id) => {
    const saga = await sagas.open(tx, id)
    return saga === null ? null : { ...saga, ...change(saga) }
  }
}

function saving(change: (change: SagaChange) => SagaChange): Driver {
  return withSagas((sagas) => ({ save: (tx, id, each) => sagas.save(tx, id, change(each)) }))
}

function savingSteps(change: (step: StepChange) => StepChange): Driver {
  return saving((each) => withSteps(each, change))
}

function withSteps(change: SagaChange, of: (step: StepChange) => StepChange): SagaChange {
  return { ...change, steps: change.steps.map(of) }
}

/** What is kept of a save, once it is committed, is something else. */
function keeping(change: (saga: KeptSaga, before: KeptSaga, saved: SagaChange) => KeptSaga): Driver {
  return withSagas((sagas, { database }) => ({
    async save(tx, id, saved) {
      await sagas.save(tx, id, saved)
      const before = sagasOf(database).get(id)
      tx.atCommit(() => {
        const saga = sagasOf(database).get(id)
        if (saga !== undefined) sagasOf(database).set(id, change(saga, before ?? { ...saga, dueAt: null }, saved))
      })
    },
  }))
}

/** Claims the first of those due that `choose` gives, passing over what is open. */
function claimingOf(
  choose: (due: readonly KeptSaga[]) => readonly KeptSaga[],
  take?: (saga: KeptSaga) => void,
): Driver {
  return withSagas((sagas, { database, now }) => ({
    async claim(tx, of) {
      // As the original has it: what is its own, and what another one holds.
      if ((await sagas.claim(tx, of)) === null) return null
      const time = await now()
      const due = [...sagasOf(database).values()]
        .filter(({ type, version }) => of.some((each) => each.type === type && each.version === version))
        .filter(({ dueAt }) => dueAt !== null && dueAt <= time)
        .sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0))
      const saga = choose(due).find(({ id }) => database.tryLock(tx, `saga ${id}`))
      if (saga !== undefined) take?.(saga)
      return saga?.id ?? null
    },
  }))
}

function anyId(id: string): string {
  return isSagaId(id) ? id : `odd ${encodeURIComponent(id.toWellFormed()).slice(0, 99)}`
}

function asStep({ begunAt: _, changedAt: __, dueAt: ___, ...step }: ShownStep): SagaStep {
  return step
}

function firstOf(times: readonly (number | null)[]): number | null {
  const some = times.filter((time) => time !== null)
  return some.length === 0 ? null : Math.min(...some)
}

function isOpen({ status }: KeptSaga): boolean {
  return status === 'running' || status === 'compensating'
}

function isEnd(state: SagaStep['state']): boolean {
  return !['asking', 'waiting', 'cancelling', 'undoing'].includes(state)
}
