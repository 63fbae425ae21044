import type { SemanticLockDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { memoryHoldsDriver } from './memory-holds-driver.ts'

type Driver = SemanticLockDriver<MemoryTransaction>
type Locks = Driver['locks']

/** Semantic locks that each break one promise, by what is wrong with them. */
export const brokenSemanticLocks: Readonly<Record<string, () => Driver>> = {
  'lets everybody in': () =>
    broken((locks) => ({
      async take(tx, resource, owner) {
        await locks.take(tx, resource, owner)
        return { kind: 'taken' }
      },
    })),
  'is closed to its owner': () =>
    broken((locks) => {
      const held = new Set<string>()
      return {
        async take(tx, resource, owner) {
          const found = await locks.take(tx, resource, owner)
          if (found.kind === 'held' || !held.has(resource)) {
            held.add(resource)
            return found
          }
          return { kind: 'held', owner, since: '2026-01-01T00:00:00.000Z' }
        },
      }
    }),
  'waits for the owner': () =>
    broken((locks) => ({
      async take(tx, resource, owner) {
        const found = await locks.take(tx, resource, owner)
        return found.kind === 'taken' ? found : new Promise(() => {})
      },
    })),
  'frees one': () =>
    broken((locks) => ({
      async release(tx, owner) {
        const [first, ...others] = await locks.release(tx, owner)
        for (const resource of others) await locks.take(tx, resource, owner)
        return first === undefined ? [] : [first]
      },
    })),
  'frees nothing': () => broken(() => ({ release: () => Promise.resolve([]) })),
  'frees what others have': () =>
    broken((locks) => ({
      async release(tx, owner) {
        const freed = [...(await locks.release(tx, owner))]
        for (const other of ['a', 'b'].filter((name) => name !== owner)) freed.push(...(await locks.release(tx, other)))
        return freed
      },
    })),
  'works in a transaction of its own': () =>
    broken((locks, { unitOfWork }) => ({
      take: (_, resource, owner) => unitOfWork.run((tx) => locks.take(tx, resource, owner)),
      release: (_, owner) => unitOfWork.run((tx) => locks.release(tx, owner)),
    })),
  'says that the one who asks has it': () =>
    broken((locks) => ({
      async take(tx, resource, owner) {
        const found = await locks.take(tx, resource, owner)
        return found.kind === 'taken' ? found : { ...found, owner }
      },
    })),
  'knows no age': () => {
    const driver = memoryHoldsDriver()
    const locks: Driver['search']['locks'] = ({ owner, resource }, page) =>
      driver.search.locks({ owner, resource, heldSeconds: null }, page)
    return { ...driver, search: { ...driver.search, locks } }
  },
  'is taken anew by its owner': () =>
    broken((locks) => ({
      async take(tx, resource, owner) {
        const found = await locks.take(tx, resource, owner)
        if (found.kind === 'held') return found
        const others = (await locks.release(tx, owner)).filter((each) => each !== resource)
        for (const each of [...others, resource]) await locks.take(tx, each, owner)
        return found
      },
    })),
}

function broken(change: (locks: Locks, driver: Driver) => Partial<Locks>): Driver {
  const driver = memoryHoldsDriver()
  return { ...driver, locks: { ...driver.locks, ...change(driver.locks, driver) } }
}
