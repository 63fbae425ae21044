import type { ReservationDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { memoryHoldsDriver } from './memory-holds-driver.ts'

type Driver = ReservationDriver<MemoryTransaction>
type Reservations = Driver['reservations']

/** Reservations that each break one promise, by what is wrong with them. */
export const brokenReservations: Readonly<Record<string, () => Driver>> = {
  'takes what it can of it': () =>
    broken((held) => ({
      async reserve(tx, owner, wanted) {
        const answer = await held.reserve(tx, owner, wanted)
        if (answer.kind !== 'refused') return answer
        const left = wanted.filter(({ resource }) => !answer.lacking.some((each) => each.resource === resource))
        if (left.length > 0) await held.reserve(tx, owner, left)
        return answer
      },
    })),
  'counts nothing': () =>
    broken((held) => ({
      reserve: (tx, owner, wanted) =>
        held.reserve(
          tx,
          owner,
          wanted.map((each) => ({ ...each, capacity: 99 })),
        ),
    })),
  'knows the first capacity only': () =>
    broken((held) => {
      const first = new Map<string, number>()
      return {
        reserve: (tx, owner, wanted) =>
          held.reserve(
            tx,
            owner,
            wanted.map((each) => {
              first.set(each.resource, first.get(each.resource) ?? each.capacity)
              return { ...each, capacity: first.get(each.resource) ?? 0 }
            }),
          ),
      }
    }),
  'takes once more for each who asks': () =>
    broken((held) => {
      let times = 0
      return { reserve: (tx, _, wanted) => held.reserve(tx, `owner ${times++}`, wanted) }
    }),
  'forgets what was confirmed': () =>
    broken((held) => ({
      async confirm(tx, owner) {
        const told = await held.confirm(tx, owner)
        await held.release(tx, owner)
        return told
      },
    })),
  'confirms nothing': () =>
    broken((held) => ({ confirm: async (tx, owner) => (await held.release(tx, owner)).slice(0, 0) })),
  'keeps what was confirmed for ever': () => {
    const confirmed = new Set<string>()
    return broken((held) => ({
      async confirm(tx, owner) {
        confirmed.add(owner)
        return held.confirm(tx, owner)
      },
      release: async (tx, owner) => (confirmed.has(owner) ? [] : held.release(tx, owner)),
    }))
  },
  'releases nothing': () => broken((held) => ({ release: (tx, owner) => held.confirm(tx, owner) })),
  'knows entries and no sums': () =>
    broken((held) => ({
      async reserve(tx, owner, wanted) {
        const last = new Map(wanted.map((each) => [each.resource, each]))
        return held.reserve(tx, owner, [...last.values()])
      },
    })),
  'refuses no number': () =>
    broken((held) => ({
      reserve: async (tx, owner, wanted) =>
        held.reserve(
          tx,
          owner || 'nobody',
          wanted.length === 0
            ? [{ resource: 'r-1', quantity: 1, capacity: 9 }]
            : wanted.map(({ resource, quantity, capacity }) => ({
                resource: resource || 'nothing',
                quantity: Math.max(1, Math.round(quantity)),
                capacity: Number.isNaN(capacity) ? 0 : capacity,
              })),
        ),
    })),
  'takes a wish for the old one': () =>
    broken((held) => ({
      reserve: (tx, owner, wanted) =>
        held.reserve(tx, owner, wanted).catch((error: unknown) => {
          if (
            wanted.some(({ quantity }) => quantity >= 1) &&
            owner !== '' &&
            wanted.every(({ resource }) => resource !== '')
          )
            return { kind: 'held' }
          throw error
        }),
    })),
  'works in a transaction of its own': () =>
    broken((held, { unitOfWork }) => ({
      reserve: (_, owner, wanted) => unitOfWork.run((tx) => held.reserve(tx, owner, wanted)),
      release: (_, owner) => unitOfWork.run((tx) => held.release(tx, owner)),
    })),
  'locks in the order in which things are named': () =>
    broken((held) => ({
      async reserve(tx, owner, wanted) {
        const answers = []
        for (const each of wanted) answers.push(await held.reserve(tx, `${owner} ${each.resource}`, [each]))
        return answers.find(({ kind }) => kind === 'refused') ?? { kind: 'held' }
      },
    })),
  'finds everything as held': () => {
    const driver = memoryHoldsDriver()
    const known = new Set<string>()
    return {
      ...driver,
      reservations: {
        ...driver.reservations,
        async confirm(tx, owner) {
          known.add(owner)
          return driver.reservations.confirm(tx, owner)
        },
      },
      search: {
        ...driver.search,
        async reservations(filter, page) {
          const found = await driver.search.reservations(filter, page)
          const [first] = found.items
          return first === undefined
            ? found
            : { ...found, items: [...found.items, ...[...known].map((owner) => ({ ...first, owner }))] }
        },
      },
    }
  },
  'knows no age': () => {
    const driver = memoryHoldsDriver()
    const reservations: Driver['search']['reservations'] = ({ owner, resource }, page) =>
      driver.search.reservations({ owner, resource, heldSeconds: null }, page)
    return { ...driver, search: { ...driver.search, reservations } }
  },
}

function broken(change: (held: Reservations, driver: Driver) => Partial<Reservations>): Driver {
  const driver = memoryHoldsDriver()
  return { ...driver, reservations: { ...driver.reservations, ...change(driver.reservations, driver) } }
}
