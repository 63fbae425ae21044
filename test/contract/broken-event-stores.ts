import type { EventStoreDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { memoryEventStoreDriver } from './memory-driver.ts'

type Driver = EventStoreDriver<MemoryTransaction>
type Events = Driver['events']
type Append = Parameters<Events['append']>[1][number]

/** Event stores that each break one promise, by what is wrong with them. */
export const brokenEventStores: Readonly<Record<string, () => Driver>> = {
  'has no lock on a stream': () =>
    memoryEventStoreDriver({ hasLogLock: true, hasStreamLock: false, checksAppendIds: true }),
  'knows no append ids': () =>
    memoryEventStoreDriver({ hasLogLock: true, hasStreamLock: true, checksAppendIds: false }),
  'takes any append for a repeat': () => {
    const seen = new Map<string, Awaited<ReturnType<Events['append']>>>()
    return withEvents((events) => ({
      async append(tx, appends) {
        const name = JSON.stringify(appends.map(({ appendId, stream }) => [appendId, stream]))
        const known = seen.get(name)
        if (known !== undefined && appends[0]?.appendId !== null)
          return known.map((each) => ({ ...each, isRepeat: true }))
        const done = await events.append(tx, appends)
        seen.set(name, done)
        return done
      },
    }))
  },
  'shares append ids between streams': () => {
    const seen = new Set<string>()
    return changed((append) => {
      const isKnown = append.appendId !== null && seen.has(append.appendId)
      if (append.appendId !== null) seen.add(append.appendId)
      return isKnown ? { ...append, stream: { type: 'order', id: 'o-1' } } : append
    })
  },
  'expects nothing': () => changed((append) => ({ ...append, expected: 'any' })),
  'takes existing for anything': () =>
    changed((append) => (append.expected === 'existing' ? { ...append, expected: 'any' } : append)),
  'takes new for anything': () =>
    changed((append) => (append.expected === 'new' ? { ...append, expected: 'any' } : append)),
  'appends anything again': () => changed((append) => ({ ...append, appendId: null })),
  'refuses no repeat': () => withEvents((events) => ({ append: (tx, appends) => events.append(tx, appends) })),
  'looks up any append': () =>
    withEvents((events) => ({ appended: (tx, stream) => events.appended(tx, { ...stream, id: 'o-1' }, 'request-1') })),
  'loses the last event': () => changed((append) => ({ ...append, events: append.events.slice(0, -1) })),
  'writes payloads anew': () =>
    changed((append) => ({
      ...append,
      events: append.events.map((event) => ({ ...event, payload: JSON.stringify(JSON.parse(event.payload)) })),
    })),
  'does not tell types apart': () => changed((append) => ({ ...append, stream: { ...append.stream, type: 'order' } })),
  'appends where no transaction is': () =>
    withEvents((events, driver) => ({
      async append(tx, appends) {
        if (tx.isOpen) return events.append(tx, appends)
        const open = await driver.begin()
        const done = await events.append(open.tx, appends)
        await open.commit()
        return done
      },
    })),
  'commits at once': () =>
    withEvents((events, driver) => ({
      async append(tx, appends) {
        if (!tx.isOpen) return events.append(tx, appends)
        const open = await driver.begin()
        try {
          const done = await events.append(open.tx, appends)
          await open.commit()
          return done
        } catch (error) {
          await open.rollback()
          throw error
        }
      },
    })),
  'appends one after the other': () =>
    withEvents((events, driver) => ({
      async append(tx, appends) {
        if (!tx.isOpen) return events.append(tx, appends)
        const done: Awaited<ReturnType<Events['append']>>[number][] = []
        for (const append of appends.slice(0, -1)) {
          const open = await driver.begin()
          done.push(...(await events.append(open.tx, [append])))
          await open.commit()
        }
        return [...done, ...(await events.append(tx, appends.slice(-1)))]
      },
    })),
  'reads its own transaction as others do': () =>
    withEvents((events) => ({ readIn: (_, stream, range) => events.read(stream, range) })),
  'reads a range from its first version': () =>
    withEvents((events) => ({
      read: (stream, range) => events.read(stream, { ...range, after: Math.max(0, range.after - 1) }),
    })),
  'ignores the end of a range': () =>
    withEvents((events) => ({ read: (stream, range) => events.read(stream, { ...range, upTo: null }) })),
  'ignores the limit': () =>
    withEvents((events) => ({ read: (stream, range) => events.read(stream, { ...range, limit: 1_000 }) })),
  'has a log of something else': () => {
    const driver = memoryEventStoreDriver()
    return { ...driver, log: { ...driver.log, read: (range) => driver.log.read({ ...range, topics: ['order'] }) } }
  },
  'does not limit its log': () => {
    const driver = memoryEventStoreDriver()
    return { ...driver, log: { ...driver.log, read: (range) => driver.log.read({ ...range, topics: null }) } }
  },
  'lists streams of any type': () => {
    return withIndex(memoryEventStoreDriver(), (index) => ({
      list: async (_, page) => [...(await index.list('order', page)), ...(await index.list('invoice', page))],
    }))
  },
  'lists each page from the first': () =>
    withIndex(memoryEventStoreDriver(), (index) => ({
      list: (type, page) => index.list(type, { ...page, after: null }),
    })),
  'lists all on one page': () =>
    withIndex(memoryEventStoreDriver(), (index) => ({
      list: (type, page) => index.list(type, { ...page, limit: 99 }),
    })),
  'lists streams by their first events': () => {
    const driver = memoryEventStoreDriver()
    return withIndex(driver, (index) => ({
      async list(type, page) {
        const listed = await index.list(type, page)
        const range = { after: 0, upTo: 1, limit: 1 }
        return (await Promise.all(listed.map(({ key: id }) => driver.events.read({ type, id }, range)))).flat()
      },
    }))
  },
  'drops what is not there from the last events': () =>
    withIndex(memoryEventStoreDriver(), (index) => ({
      last: async (streams) => (await index.last(streams)).filter((event) => event !== null),
    })),
  'finds last events by id alone': () =>
    withIndex(memoryEventStoreDriver(), (index) => ({
      last: (streams) => index.last(streams.map(({ id }) => ({ type: 'order', id }))),
    })),
  'counts events as streams': () =>
    withIndex(memoryEventStoreDriver(), (index) => ({
      async count(type) {
        const { events } = await index.count(type)
        return { streams: events, events }
      },
    })),
  'counts what is not committed': () => {
    const driver = memoryEventStoreDriver()
    let written = 0
    const events: Events = {
      ...driver.events,
      append(tx, appends, options) {
        written += appends.filter(({ stream }) => stream.type === 'order').flatMap((append) => append.events).length
        return driver.events.append(tx, appends, options)
      },
    }
    return withIndex({ ...driver, events }, (index) => ({
      count: async (type) => ({ ...(await index.count(type)), ...(type === 'order' ? { events: written } : {}) }),
    }))
  },
}

function withIndex(driver: Driver, change: (index: Driver['index']) => Partial<Driver['index']>): Driver {
  return { ...driver, index: { ...driver.index, ...change(driver.index) } }
}

function withEvents(change: (events: Events, driver: Driver) => Partial<Events>): Driver {
  const driver = memoryEventStoreDriver()
  return { ...driver, events: { ...driver.events, ...change(driver.events, driver) } }
}

function changed(change: (append: Append) => Append): Driver {
  return withEvents((events) => ({ append: (tx, appends) => events.append(tx, appends.map(change)) }))
}
