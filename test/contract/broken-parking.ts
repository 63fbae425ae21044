import type { ParkingDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { memoryParkingDriver } from './memory-driver.ts'

type Driver = ParkingDriver<MemoryTransaction>
type Parking = Driver['parking']
type Retries = Driver['retries']
type Entry = Parameters<Parking['park']>[2][number]
type Failure = NonNullable<Entry['failure']>
type Message = Entry['message']

/** Places to park that each break one promise, by what is wrong with them. */
export const brokenParking: Readonly<Record<string, () => Driver>> = {
  'parks outside the transaction': () => {
    const driver = memoryParkingDriver()
    return withParking(driver, {
      park: (_, lane, entries) => driver.unitOfWork.run((tx) => driver.parking.park(tx, lane, entries)),
    })
  },
  'parks nothing': () => withEntries(() => []),
  'loses those behind the first': () => withEntries((entries) => entries.filter(({ failure }) => failure !== null)),
  'turns those behind the first around': () =>
    withEntries((entries) => [
      ...entries.filter(({ failure }) => failure !== null),
      ...entries.filter(({ failure }) => failure === null).reverse(),
    ]),
  'sorts those behind the first by their numbers as texts': () =>
    withEntries((entries) => {
      const text = ({ message }: Entry): string => message.position.toString()
      const behind = entries.filter(({ failure }) => failure === null)
      const sorted = behind.toSorted((one, other) => (text(one) < text(other) ? -1 : 1))
      return [...entries.filter(({ failure }) => failure !== null), ...sorted]
    }),
  'parks every key as one': () =>
    withEntries((entries) => entries.map((entry) => withMessage(entry, { key: entries[0]?.message.key ?? '' }))),
  'begins again with a key that is being tried': () => {
    const driver = memoryParkingDriver()
    return withRetries(driver, {
      async begin(parked, by, heldMs) {
        const attempt = await driver.retries.begin(parked, by, heldMs)
        if (attempt !== null) return attempt
        await driver.lapse(heldMs)
        return driver.retries.begin(parked, by, heldMs)
      },
    })
  },
  'never lets a key come free': () => {
    const driver = memoryParkingDriver()
    const known = new Set<string>()
    return withParking(driver, {
      async keys(lane) {
        for (const key of await driver.parking.keys(lane)) known.add(key)
        return [...known]
      },
    })
  },
  'lets a key come free with its first message': () => {
    const driver = memoryParkingDriver()
    const tried = new Set<string>()
    return {
      ...withParking(driver, {
        keys: async (lane) => (await driver.parking.keys(lane)).filter((key) => !tried.has(key)),
      }),
      retries: {
        ...driver.retries,
        applied(tx, attempt) {
          tried.add(attempt.parked.key)
          return driver.retries.applied(tx, attempt)
        },
      },
    }
  },
  'parks no message that nobody tried': () =>
    withParking(memoryParkingDriver(), { parkUntried: () => Promise.resolve() }),
  'leaves a message behind whose key is free': () => {
    const driver = memoryParkingDriver()
    return withParking(driver, {
      async park(tx, lane, entries) {
        const keys = [
          ...(await driver.parking.keys(lane)),
          ...entries.filter(({ failure }) => failure !== null).map(({ message }) => message.key),
        ]
        const kept = entries.filter(({ message }) => keys.includes(message.key))
        await driver.parking.park(tx, lane, kept)
      },
    })
  },
  'ends the attempt under way when something is added': () => {
    const driver = memoryParkingDriver()
    let added = 0
    const begunAt = new Map<bigint, number>()
    const fenced = Object.assign(new Error('fenced'), { code: 'FENCED' })
    return {
      ...withParking(driver, {
        park: (tx, lane, entries) => driver.parking.park(tx, lane, entries).then(() => void added++),
      }),
      retries: {
        ...driver.retries,
        async begin(parked, by, heldMs) {
          const attempt = await driver.retries.begin(parked, by, heldMs)
          if (attempt !== null) begunAt.set(attempt.fence, added)
          return attempt
        },
        applied: (tx, attempt) =>
          begunAt.get(attempt.fence) === added ? driver.retries.applied(tx, attempt) : Promise.reject(fenced),
      },
    }
  },
  'queues a message twice': () => {
    let copies = 0
    return withEntries((entries) => entries.map((entry) => withMessage(entry, { epoch: `copy ${copies++}` })))
  },
  'takes messages of two logs for one': () =>
    withEntries((entries) => entries.map((entry) => withMessage(entry, { source: 'one' }))),
  'waits for nothing': () =>
    withFailures((failure) =>
      failure.next.kind === 'retry' ? { ...failure, next: { ...failure.next, afterMs: 0 } } : failure,
    ),
  'waits for ever': () =>
    withFailures((failure) =>
      failure.next.kind === 'retry' ? { ...failure, next: { ...failure.next, afterMs: 1e9 } } : failure,
    ),
  'takes every key for parked': () =>
    withParking(memoryParkingDriver(), { hold: (_, __, keys) => Promise.resolve(keys) }),
  'takes no key for parked': () => withParking(memoryParkingDriver(), { hold: () => Promise.resolve([]) }),
  'tells which keys are parked and holds none': () => {
    const driver = memoryParkingDriver()
    return withParking(driver, {
      hold: async (_, lane, keys) => (await driver.parking.keys(lane)).filter((key) => keys.includes(key)),
    })
  },
  'lets a key go that is held': () => memoryParkingDriver({ checksFence: true, locksQueue: false }),
  'makes those who try a key wait for those who hold it': () => {
    const driver = memoryParkingDriver()
    let isHeld = false
    return {
      ...withRetries(driver, {
        begin: (parked, by, heldMs) => (isHeld ? Promise.resolve(null) : driver.retries.begin(parked, by, heldMs)),
      }),
      parking: {
        ...driver.parking,
        hold(tx, lane, keys) {
          isHeld = true
          return driver.parking.hold(tx, lane, keys)
        },
      },
    }
  },
  'shows the keys of all lanes': () => {
    const driver = memoryParkingDriver()
    return withParking(driver, {
      keys: async (lane) =>
        (await Promise.all(lane.group.starts.map((_, index) => driver.parking.keys({ ...lane, index })))).flat(),
    })
  },
  'lets every dead letter block': () =>
    withFailures((failure) =>
      failure.next.kind === 'dead' ? { ...failure, next: { ...failure.next, blocks: true } } : failure,
    ),
  'lets no dead letter block': () =>
    withFailures((failure) =>
      failure.next.kind === 'dead' ? { ...failure, next: { ...failure.next, blocks: false } } : failure,
    ),
  'keeps payloads as json': () =>
    withUntried((message) => ({ ...message, payload: JSON.stringify(JSON.parse(message.payload)) })),
  'cuts large payloads': () => withUntried((message) => ({ ...message, payload: message.payload.slice(0, 65_536) })),
  'loses headers': () => withUntried((message) => ({ ...message, headers: {} })),
  'rounds times to milliseconds': () =>
    withUntried((message) => ({ ...message, time: new Date(message.time).toISOString() })),
  'refuses a failure with odd characters': () =>
    withFailures((failure) => {
      if (failure.errorMessage.includes('\u0000')) throw new Error('invalid byte sequence')
      return failure
    }),
  'mixes subscriptions': () => withGroup({ subscription: 'one' }),
  'mixes feeds': () => withGroup({ feed: 'one' }),
}

function withParking(driver: Driver, change: Partial<Parking>): Driver {
  return { ...driver, parking: { ...driver.parking, ...change } }
}

function withRetries(driver: Driver, change: Partial<Retries>): Driver {
  return { ...driver, retries: { ...driver.retries, ...change } }
}

function withEntries(change: (entries: readonly Entry[]) => readonly Entry[]): Driver {
  const driver = memoryParkingDriver()
  return withParking(driver, {
    park: async (tx, lane, entries) => driver.parking.park(tx, lane, change(entries)),
  })
}

function withFailures(change: (failure: Failure) => Failure): Driver {
  return withEntries((entries) =>
    entries.map((entry) => (entry.failure === null ? entry : { ...entry, failure: change(entry.failure) })),
  )
}

function withUntried(change: (message: Message) => Message): Driver {
  const driver = memoryParkingDriver()
  return withParking(driver, {
    parkUntried: (tx, lane, messages) => driver.parking.parkUntried(tx, lane, messages.map(change)),
  })
}

function withMessage(entry: Entry, change: Partial<Message>): Entry {
  return { ...entry, message: { ...entry.message, ...change } }
}

function withGroup(change: Partial<Parameters<Parking['keys']>[0]['group']>): Driver {
  const driver = memoryParkingDriver()
  const { parking, retries } = driver
  const of = <Place extends { readonly group: object }>(place: Place): Place => ({
    ...place,
    group: { ...place.group, ...change },
  })
  return {
    ...driver,
    parking: {
      keys: (lane) => parking.keys(of(lane)),
      hold: (tx, lane, keys) => parking.hold(tx, of(lane), keys),
      park: (tx, lane, entries) => parking.park(tx, of(lane), entries),
      parkUntried: (tx, lane, messages) => parking.parkUntried(tx, of(lane), messages),
    },
    retries: {
      due: (group, lanes, limit) => retries.due({ ...group, ...change }, lanes, limit),
      begin: (parked, by, heldMs) => retries.begin(of(parked), by, heldMs),
      applied: (tx, attempt) => retries.applied(tx, { ...attempt, parked: of(attempt.parked) }),
      failed: (attempt, failure) => retries.failed({ ...attempt, parked: of(attempt.parked) }, failure),
      buried: (tx, attempt, failure) => retries.buried(tx, { ...attempt, parked: of(attempt.parked) }, failure),
    },
  }
}
