import type { FlowDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { memoryFlowDriver } from './memory-holds-driver.ts'

type Driver = FlowDriver<MemoryTransaction>
type Flows = Driver['flows']
type Search = Driver['search']

/** Flows that each break one promise, by what is wrong with them. */
export const brokenFlows: Readonly<Record<string, () => Driver>> = {
  'notes an event each time it comes': () =>
    broken((flows) => {
      let times = 0
      return { note: (tx, name, event) => flows.note(tx, name, { ...event, id: `${event.id} ${times++}` }) }
    }),
  'knows an event by its id alone': () =>
    broken((flows) => ({ note: (tx, name, event) => flows.note(tx, name, { ...event, source: 'booking' }) })),
  'tells of the new event only': () =>
    broken((flows) => ({
      async note(tx, name, event) {
        await flows.note(tx, name, event)
        return [event]
      },
    })),
  'knows one kind': () =>
    broken((flows) => ({ note: (tx, name, event) => flows.note(tx, { ...name, flow: 'trip' }, event) })),
  'knows one flow': () =>
    broken((flows) => ({
      note: (tx, name, event) => flows.note(tx, { ...name, correlationId: 't-1' }, event),
    })),
  'works in a transaction of its own': () =>
    broken((flows, { unitOfWork }) => ({
      note: (_, name, event) => unitOfWork.run((tx) => flows.note(tx, name, event)),
      save: (_, name, view) => unitOfWork.run((tx) => flows.save(tx, name, view)),
    })),
  'keeps the first that was saved': () =>
    broken((flows) => {
      const saved = new Set<string>()
      return {
        async save(tx, name, view) {
          if (!saved.has(name.correlationId)) await flows.save(tx, name, view)
          saved.add(name.correlationId)
        },
      }
    }),
  'forgets nothing': () => broken(() => ({ forget: () => Promise.resolve() })),
  'forgets what is not old': () => broken((flows) => ({ forget: (tx) => flows.forget(tx, -1_000_000) })),
  'shows what happened as it came': () =>
    searching((search) => ({
      async show(name) {
        const shown = await search.show(name)
        return shown === null ? null : { ...shown, events: shown.events.toReversed() }
      },
    })),
  'finds everything': () => searching((search) => ({ list: (_, page) => search.list(noFilter, page) })),
  'takes what is over for overdue': () =>
    searching((search) => ({
      async list(filter, page) {
        if (!filter.isOverdue) return search.list(filter, page)
        const all = await search.list({ ...filter, isOverdue: false }, page)
        return { ...all, items: all.items.map((row) => ({ ...row, overdueSeconds: 1e6 })) }
      },
    })),
  'counts from the beginning of time for how long nothing happened': () =>
    searching((search) => ({
      async show(name) {
        const shown = await search.show(name)
        return shown === null ? null : { ...shown, idleSeconds: 1e9 }
      },
    })),
  'is never idle': () =>
    searching((search) => ({
      async show(name) {
        const shown = await search.show(name)
        return shown === null ? null : { ...shown, idleSeconds: 0 }
      },
    })),
  'begins each page at the first': () =>
    searching((search) => ({ list: (filter, { limit }) => search.list(filter, { after: null, limit }) })),
  'ends after a page': () =>
    searching((search) => ({ list: async (filter, page) => ({ ...(await search.list(filter, page)), next: null }) })),
}

const noFilter = { flow: null, status: null, isOverdue: false }

function broken(change: (flows: Flows, driver: Driver) => Partial<Flows>): Driver {
  const driver = memoryFlowDriver()
  return { ...driver, flows: { ...driver.flows, ...change(driver.flows, driver) } }
}

function searching(change: (search: Search) => Partial<Search>): Driver {
  const driver = memoryFlowDriver()
  return { ...driver, search: { ...driver.search, ...change(driver.search) } }
}
