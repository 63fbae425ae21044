import type { LogDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { memoryLogDriver } from './memory-driver.ts'

type Driver = LogDriver<MemoryTransaction>

/** Drivers of a log that each break one promise, by what is wrong with them. */
export const brokenLogs: Readonly<Record<string, () => Driver>> = {
  'publishes without waiting for the commit': () => {
    const driver = memoryLogDriver()
    return withOutbox(driver, async (_, messages) => {
      const own = await driver.begin()
      const positions = await driver.outbox.append(own.tx, messages)
      await own.commit()
      return positions
    })
  },
  'commits what was rolled back': () => {
    const driver = memoryLogDriver()
    return {
      ...driver,
      begin: () => driver.begin().then((open) => ({ ...open, rollback: open.commit })),
      // Outside a transaction it keeps its promise.
      outside: driver.outside,
    }
  },
  'keeps what a savepoint has undone': () => {
    const driver = memoryLogDriver()
    return { ...driver, begin: async () => ({ ...(await driver.begin()), undone: (work) => work() }) }
  },
  'writes the messages of one call in another order': () => {
    const driver = memoryLogDriver()
    return withOutbox(driver, (tx, messages) => driver.outbox.append(tx, messages.toReversed()))
  },
  'takes no lock for the key': () => memoryLogDriver({ hasLogLock: true, hasKeyLock: false }),
  'takes no lock for the log': () => memoryLogDriver({ hasLogLock: false, hasKeyLock: true }),
  'makes publishers of all keys wait for each other': () => {
    const driver = memoryLogDriver()
    return withOutbox(driver, (tx, messages) => {
      const [first] = messages
      return first === undefined
        ? Promise.resolve([])
        : driver.outbox.append(
            tx,
            messages.map((m) => ({ ...m, key: 'one' })),
          )
    })
  },
  'locks the keys in the order given': () => {
    const driver = memoryLogDriver()
    return withOutbox(driver, async (tx, messages) => {
      const positions: bigint[] = []
      for (const message of messages) {
        positions.push(...(await driver.outbox.append(tx, [message])))
        await driver.moment()
      }
      return positions
    })
  },
  'counts only committed positions as drawn': () => {
    const driver = memoryLogDriver()
    const inspect = async () => {
      const state = await driver.log.inspect()
      return { ...state, lastDrawn: state.lastCommitted }
    }
    return { ...driver, log: { ...driver.log, inspect } }
  },
  'counts drawn positions as committed': () => {
    const driver = memoryLogDriver()
    const inspect = async () => {
      const state = await driver.log.inspect()
      return { ...state, lastCommitted: state.lastDrawn }
    }
    return { ...driver, log: { ...driver.log, inspect } }
  },
  'publishes outside a transaction': () => {
    const driver = memoryLogDriver()
    return withOutbox(driver, async (tx, messages) => {
      if (tx.isOpen) return driver.outbox.append(tx, messages)
      const own = await driver.begin()
      const positions = await driver.outbox.append(own.tx, messages)
      await own.commit()
      return positions
    })
  },
  'runs out of locks': () => {
    const driver = memoryLogDriver()
    return withOutbox(driver, (tx, messages) =>
      messages.length > 5000 ? Promise.reject(new Error('out of shared memory')) : driver.outbox.append(tx, messages),
    )
  },
  'orders positions as text': () => {
    const driver = memoryLogDriver()
    const byText = (a: bigint, b: bigint): number => (a.toString() < b.toString() ? -1 : 1)
    const positions: Driver['log']['positions'] = async (after, limit) =>
      [...(await driver.log.positions(after, limit))].sort(byText)
    return { ...driver, log: { ...driver.log, positions } }
  },
  'loses headers': () => withRead((message) => ({ ...message, headers: {} })),
  'changes text': () => withRead((message) => ({ ...message, payload: message.payload.replaceAll('\\u0001', ' ') })),
  'includes the lower end of a range': () => withRange((range) => ({ ...range, after: range.after - 1n })),
  'ignores topics': () => withRange((range) => ({ ...range, topics: null })),
  'gives every lane all messages': () => withRange((range) => ({ ...range, lane: { index: 0, count: 1 } })),
  'ignores the limit': () => withRange((range) => ({ ...range, limit: 1_000_000 })),
  'forgets what was read': () => {
    const driver = memoryLogDriver()
    let reads = 0
    const read: Driver['log']['read'] = (range) => (reads++ % 2 === 0 ? driver.log.read(range) : Promise.resolve([]))
    return { ...driver, log: { ...driver.log, read } }
  },
}

function withOutbox(driver: Driver, append: Driver['outbox']['append']): Driver {
  return { ...driver, outbox: { append } }
}

function withRange(
  change: (range: Parameters<Driver['log']['read']>[0]) => Parameters<Driver['log']['read']>[0],
): Driver {
  const driver = memoryLogDriver()
  return { ...driver, log: { ...driver.log, read: (range) => driver.log.read(change(range)) } }
}

type Stored = Awaited<ReturnType<Driver['log']['read']>>[number]

function withRead(change: (message: Stored) => Stored): Driver {
  const driver = memoryLogDriver()
  return { ...driver, log: { ...driver.log, read: async (range) => (await driver.log.read(range)).map(change) } }
}
