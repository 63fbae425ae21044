import type { LaneDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { memoryLaneDriver } from './memory-driver.ts'

type Driver = LaneDriver<MemoryTransaction>
type Lanes = Driver['lanes']

/** Stores of lanes that each break one promise, by what is wrong with them. */
export const brokenLanes: Readonly<Record<string, () => Driver>> = {
  'grants two leases': () => withLanes((lanes) => ({ take: (group, lane, _, ms) => lanes.take(group, lane, 'a', ms) })),
  'grants a lane that is being saved': () => {
    const driver = memoryLaneDriver()
    let saving: Lanes['save'] | null = null
    const take: Lanes['take'] = async (group, lane, owner, ms) => {
      const taken = await driver.lanes.take(group, lane, owner, ms)
      if (taken !== null || saving === null) return taken
      return { group, index: lane, owner, abandoned: 0, fence: 99n, cursor: 0n, marks: {} }
    }
    const save: Lanes['save'] = (tx, lane, progress) => {
      saving = driver.lanes.save
      return driver.lanes.save(tx, lane, progress)
    }
    return { ...driver, lanes: { ...driver.lanes, take, save } }
  },
  'keeps the fence when a process takes its own lane again': () => {
    const held = new Map<string, Awaited<ReturnType<Lanes['take']>>>()
    return withLanes((lanes) => ({
      take: async (group, lane, owner, ms) => {
        const known = held.get(owner) ?? (await lanes.take(group, lane, owner, ms))
        held.set(owner, known)
        return known
      },
    }))
  },
  'mixes subscriptions': () =>
    withLanes((lanes) => ({
      survey: (group, member) => lanes.survey({ ...group, subscription: 'one' }, member),
      take: (group, lane, owner, ms) => lanes.take({ ...group, subscription: 'one' }, lane, owner, ms),
    })),
  'mixes feeds': () =>
    withLanes((lanes) => ({
      survey: (group, member) => lanes.survey({ ...group, feed: 'one' }, member),
      take: (group, lane, owner, ms) => lanes.take({ ...group, feed: 'one' }, lane, owner, ms),
    })),
  'never lets a lease lapse': () =>
    withLanes((lanes) => ({ take: (group, lane, owner) => lanes.take(group, lane, owner, 1e9) })),
  'shows members for ever': () =>
    withLanes((lanes) => ({ survey: (group, member) => lanes.survey(group, { ...member, leaseMs: 1e9 }) })),
  'knows no goodbye': () =>
    withLanes((lanes) => ({
      survey: (group, member) => lanes.survey(group, member.leaseMs === 0 ? { ...member, leaseMs: 9_000 } : member),
    })),
  'never extends a lease': () =>
    withLanes((lanes) => ({ survey: (group, member) => lanes.survey(group, { ...member, working: [] }) })),
  'extends the lease of a lane that was lost': () =>
    withLanes((lanes) => ({ survey: (group, member) => lanes.survey(group, { ...member, working: [0, 1] }) })),
  'ignores the fence': () => memoryLaneDriver({ checksFence: false, checksCursor: true }),
  'ignores the cursor': () => memoryLaneDriver({ checksFence: true, checksCursor: false }),
  'saves outside the transaction': () => {
    const driver = memoryLaneDriver()
    const save: Lanes['save'] = (_, lane, progress) =>
      driver.unitOfWork.run((tx) => driver.lanes.save(tx, lane, progress))
    return { ...driver, lanes: { ...driver.lanes, save } }
  },
  'lets a refused save commit the rest': () => {
    const driver = memoryLaneDriver()
    const save: Lanes['save'] = (tx, lane, progress) => driver.lanes.save({ ...tx, doom() {} }, lane, progress)
    return { ...driver, lanes: { ...driver.lanes, save } }
  },
  'loses marks': () =>
    withLanes((lanes) => ({ save: (tx, lane, progress) => lanes.save(tx, lane, { ...progress, marks: {} }) })),
  'keeps what is given back': () => withLanes(() => ({ release: () => Promise.resolve() })),
  'lets an old holder give back': () =>
    withLanes((lanes) => ({
      release: async (lane) => {
        for (let fence = lane.fence; fence < lane.fence + 5n; fence++) await lanes.release({ ...lane, fence })
      },
    })),
  'counts no holders that went away': () =>
    withLanes((lanes) => ({
      take: async (...of) => {
        const taken = await lanes.take(...of)
        return taken === null ? null : { ...taken, abandoned: 0 }
      },
    })),
  'counts all holders': () => {
    let holders = 0
    return withLanes((lanes) => ({
      take: async (...of) => {
        const taken = await lanes.take(...of)
        return taken === null ? null : { ...taken, abandoned: holders++ }
      },
    }))
  },
  'accepts another number of lanes': () =>
    withLanes((lanes) => ({
      survey: (group, member) => lanes.survey({ ...group, starts: group.starts.slice(0, 2) }, member),
    })),
  'mixes epochs': () =>
    withLanes((lanes) => ({
      survey: (group, member) => lanes.survey({ ...group, epoch: 'one' }, member),
      take: (group, lane, owner, ms) => lanes.take({ ...group, epoch: 'one' }, lane, owner, ms),
    })),
  'begins every lane at 0': () =>
    withLanes((lanes) => ({
      survey: (group, member) => lanes.survey({ ...group, starts: group.starts.map(() => 0n) }, member),
    })),
  'moves lanes to the starts of every survey': () => {
    let starts: readonly bigint[] = []
    return withLanes((lanes) => ({
      survey: (group, member) => {
        starts = group.starts
        return lanes.survey(group, member)
      },
      take: async (group, lane, owner, ms) => {
        const taken = await lanes.take(group, lane, owner, ms)
        return taken === null ? null : { ...taken, cursor: starts[lane] ?? 0n }
      },
    }))
  },
}

function withLanes(change: (lanes: Lanes) => Partial<Lanes>): Driver {
  const driver = memoryLaneDriver()
  return { ...driver, lanes: { ...driver.lanes, ...change(driver.lanes) } }
}
