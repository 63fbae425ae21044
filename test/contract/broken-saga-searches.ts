import type { SagaRow, SagaSummary, ShownSaga } from 'estafet'
import type { SagasDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { memorySagasDriver } from './memory-driver.ts'

type Driver = SagasDriver<MemoryTransaction>
type Search = Driver['search']

/** Searches that each break one promise, by what is wrong with them. */
export const brokenSagaSearches: Readonly<Record<string, () => Driver>> = {
  'lists by id': () =>
    withSearch((search) => ({
      async list(filter, { limit }) {
        const { items } = await search.list(filter, { after: null, limit: 99 })
        return { items: items.toSorted((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit), next: null }
      },
    })),
  'lists the last of a page again': () =>
    withSearch((search) => ({
      list: (filter, { after, limit }) => search.list(filter, { limit, after: after === null ? null : after - 1n }),
    })),
  'always has another page': () =>
    withSearch((search) => ({
      async list(filter, page) {
        const { items } = await search.list(filter, page)
        return { items, next: items.at(-1)?.number ?? null }
      },
    })),
  'ends with the first page': () =>
    withSearch((search) => ({ list: async (...all) => ({ items: (await search.list(...all)).items, next: null }) })),
  'numbers backwards': () => changingRows((row) => ({ number: -row.number })),
  'lists any type': () =>
    withSearch((search) => ({ list: (filter, page) => search.list({ ...filter, type: null }, page) })),
  'lists any status': () =>
    withSearch((search) => ({ list: (filter, page) => search.list({ ...filter, status: null }, page) })),
  'lists what is idle or not': () =>
    withSearch((search) => ({ list: (filter, page) => search.list({ ...filter, idleSeconds: null }, page) })),
  'lists what is stuck or not': () =>
    withSearch((search) => ({ list: (filter, page) => search.list({ ...filter, isStuck: false }, page) })),
  'shows what is not committed': () => {
    const driver = memorySagasDriver()
    const { sagas, unitOfWork } = driver
    return {
      ...driver,
      sagas: { ...sagas, save: (_, id, change) => unitOfWork.run((tx) => sagas.save(tx, id, change)) },
    }
  },
  'shows another for one that is not there': () =>
    withSearch((search) => ({
      async show(id) {
        const { items } = await search.list(all, { after: null, limit: 1 })
        return (await search.show(id)) ?? (await search.show(items[0]?.id ?? ''))
      },
    })),
  'shows no input': () => changingShown(() => ({ input: '' })),
  'shows no steps that have ended': () =>
    changingShown(({ steps, openSteps }) => ({
      steps: steps.filter(({ name }) => openSteps.some((step) => step.name === name)),
    })),
  'names all steps as open': () =>
    changingRows(
      () => ({}),
      ({ steps }) => ({ openSteps: steps }),
    ),
  'lists no attention': () => changingRows(() => ({ attention: null })),
  'counts all versions as one': () => changingSummary((rows) => rows.map((row) => ({ ...row, version: 1 }))),
  'counts in the order of sagas': () => changingSummary((rows) => rows.toReversed()),
  'counts one of each': () => changingSummary((rows) => rows.map((row) => ({ ...row, sagas: 1 }))),
  'counts none as stuck': () => changingSummary((rows) => rows.map((row) => ({ ...row, stuck: 0 }))),
  'counts in ms': () =>
    changingSummary((rows) => rows.map((row) => ({ ...row, idleSeconds: row.idleSeconds * 1_000 }))),
  'counts the time of those that are well as stuck': () =>
    changingSummary((rows) => rows.map((row) => ({ ...row, stuckSeconds: row.idleSeconds }))),
  'takes twice the time': () =>
    saving((driver) => ({
      save: (tx, id, change) =>
        driver.sagas.save(tx, id, {
          ...change,
          steps: change.steps.map((step) => ({ ...step, due: typeof step.due === 'number' ? step.due * 2 : step.due })),
        }),
    })),
  'has a clock of its own': () => {
    const driver = memorySagasDriver()
    return { ...driver, now: async () => (await driver.now()) - 3_600_000 }
  },
  'began when it was last changed': () => changingShown(({ progressedAt }) => ({ startedAt: progressedAt })),
  'all steps changed with the saga': () =>
    changingShown(({ steps, progressedAt }) => ({
      steps: steps.map((step) => ({ ...step, changedAt: progressedAt })),
    })),
  'got on when it began': () => changingShown(({ startedAt }) => ({ progressedAt: startedAt })),
  'is idle at its end': () => changingShown(({ status }) => (status === 'completed' ? { idleSeconds: 1 } : {})),
  'is overdue before its time': () => changingRows(({ dueAt }) => (dueAt === null ? {} : { overdueSeconds: 900 })),
  'is never overdue': () => changingRows(() => ({ overdueSeconds: 0 })),
  'does not look at attention': () => stuckIf((row) => row.isStuck && row.attention === null),
  'does not look for what is never due': () => stuckIf((row) => row.isStuck && row.dueAt !== null),
  'does not look for what nobody takes up': () => stuckIf((row) => row.isStuck && row.overdueSeconds === 0),
  'is stuck at once': () => stuckIf((row) => row.isStuck || row.overdueSeconds > 0),
  'is stuck at its end': () => stuckIf((row) => row.isStuck || row.status === 'completed'),
  'is not stuck while it is taken back': () => stuckIf((row) => row.isStuck && row.status === 'running'),
}

const all = { type: null, status: null, idleSeconds: null, isStuck: false }

function withSearch(change: (search: Search) => Partial<Search>): Driver {
  const driver = memorySagasDriver()
  return { ...driver, search: { ...driver.search, ...change(driver.search) } }
}

function saving(change: (driver: Driver) => Partial<Driver['sagas']>): Driver {
  const driver = memorySagasDriver()
  return { ...driver, sagas: { ...driver.sagas, ...change(driver) } }
}

/** Rows of lists are something else, and so is what is shown of one. */
function changingRows(
  change: (row: SagaRow) => Partial<SagaRow>,
  more: (saga: ShownSaga) => Partial<ShownSaga> = change,
): Driver {
  return withSearch((search) => ({
    async list(filter, page) {
      const { items, next } = await search.list(filter, page)
      return { items: items.map((row) => ({ ...row, ...change(row) })), next }
    },
    show: showing(search, more),
  }))
}

function changingShown(change: (saga: ShownSaga) => Partial<ShownSaga>): Driver {
  return withSearch((search) => ({ show: showing(search, change) }))
}

function showing(search: Search, change: (saga: ShownSaga) => Partial<ShownSaga>): Search['show'] {
  return async (id) => {
    const saga = await search.show(id)
    return saga === null ? null : { ...saga, ...change(saga) }
  }
}

function changingSummary(change: (rows: readonly SagaSummary[]) => readonly SagaSummary[]): Driver {
  return withSearch((search) => ({ summary: async () => change(await search.summary()) }))
}

/** Another idea of what is stuck, in lists; of those that are asked for, too. */
function stuckIf(isStuck: (row: SagaRow) => boolean): Driver {
  return withSearch((search) => ({
    async list(filter, page) {
      const { items, next } = await search.list({ ...filter, isStuck: false }, page)
      const rows = items.map((row) => ({ ...row, isStuck: isStuck(row) }))
      return { items: filter.isStuck ? rows.filter((row) => row.isStuck) : rows, next }
    },
  }))
}
