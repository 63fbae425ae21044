import type { SemanticLocks } from '../ports/semantic-locks.ts'
import { type Clause, holds, rejects, same, settlesWithin } from './clause.ts'
import { anyHold, firstPage, type HoldsDriver } from './holds-driver.ts'

/** What a driver's test gives to the clauses of SemanticLocks: an empty database. */
export interface SemanticLockDriver<Tx> extends HoldsDriver<Tx> {
  readonly locks: SemanticLocks<Tx>
}

/** The promises of SemanticLocks: one owner at a time, others are told who it is, and nobody waits for an owner. */
export function semanticLockClauses<Tx>(): readonly Clause<SemanticLockDriver<Tx>>[] {
  return [
    {
      says: 'who takes what somebody holds is told at once by whom and since when, and its owner has it again',
      async holds(driver) {
        same(await take(driver, 'r-1', 'a'), { kind: 'taken' }, 'the first')
        const second = await take(driver, 'r-1', 'b')
        same(second.kind === 'held' ? second.owner : second.kind, 'a', 'who holds it')
        holds(second.kind === 'held' && Date.parse(second.since) > 0, 'it is not said since when')
        same(await take(driver, 'r-1', 'a'), { kind: 'taken' }, 'its owner again')
        same(await take(driver, 'r-2', 'b'), { kind: 'taken' }, 'another one')
      },
    },
    {
      says: 'an owner frees all that it has and nothing else, once',
      async holds(driver) {
        await take(driver, 'r-2', 'a')
        await take(driver, 'r-1', 'a')
        await take(driver, 'r-3', 'b')
        same(await release(driver, 'a'), ['r-1', 'r-2'], 'what was freed')
        same(await release(driver, 'a'), [], 'what was freed again')
        same(await take(driver, 'r-1', 'b'), { kind: 'taken' }, 'what was freed')
        same((await take(driver, 'r-3', 'a')).kind, 'held', 'what somebody else has')
        same(await release(driver, 'b'), ['r-1', 'r-3'], 'what the other one had')
      },
    },
    {
      says: 'what is taken or freed in a transaction that is rolled back is as it was',
      async holds(driver) {
        const undone = driver.unitOfWork.run(async (tx) => {
          await driver.locks.take(tx, 'r-1', 'a')
          throw new Error('undone')
        })
        await rejects(undone, 'Error: undone')
        same(await take(driver, 'r-1', 'b'), { kind: 'taken' }, 'what was not taken')
        const kept = driver.unitOfWork.run(async (tx) => {
          await driver.locks.release(tx, 'b')
          throw new Error('undone')
        })
        await rejects(kept, 'Error: undone')
        same((await take(driver, 'r-1', 'a')).kind, 'held', 'what was not freed')
      },
    },
    {
      says: 'who takes what another transaction takes or frees waits for its end, and sees what came of it',
      async holds(driver) {
        for (const end of ['commit', 'rollback'] as const) {
          const takes = await driver.begin()
          await driver.locks.take(takes.tx, 'r-1', 'a')
          const second = take(driver, 'r-1', 'b')
          same(await settlesWithin(driver.moment(), second), false, 'whether the second was done before the first')
          await takes[end]()
          same((await second).kind, end === 'commit' ? 'held' : 'taken', `the second after ${end}`)
          const owner = end === 'commit' ? 'a' : 'b'
          const frees = await driver.begin()
          same(await driver.locks.release(frees.tx, owner), ['r-1'], 'what is freed')
          const third = take(driver, 'r-1', 'c')
          same(await settlesWithin(driver.moment(), third), false, 'whether the third was done before it was freed')
          await frees.commit()
          same(await third, { kind: 'taken' }, 'the third')
          await release(driver, 'c')
        }
        await take(driver, 'r-1', 'a')
        const again = await driver.begin()
        await driver.locks.take(again.tx, 'r-1', 'a')
        const freed = release(driver, 'a')
        same(await settlesWithin(driver.moment(), freed), false, 'whether it was freed while its owner counts on it')
        await again.commit()
        same(await freed, ['r-1'], 'what was freed then')
      },
    },
    {
      says: 'of many at once one takes it, and all others are told the same',
      async holds(driver) {
        const all = Array.from({ length: 10 }, (_, at) => `o-${at}`)
        const found = await Promise.all(all.map((owner) => take(driver, 'r-1', owner)))
        same(found.filter(({ kind }) => kind === 'taken').length, 1, 'how many have it')
        const told = found.flatMap((each) => (each.kind === 'held' ? [each.owner] : []))
        same([...new Set(told)], [all[found.findIndex(({ kind }) => kind === 'taken')]], 'who is said to have it')
      },
    },
    {
      says: 'what is locked is found with its age, the first taken first, and nothing that was freed',
      async holds(driver) {
        for (const resource of ['r-2', 'r-1']) await take(driver, resource, 'a')
        await driver.age(3_600_000)
        await take(driver, 'r-3', 'b')
        await take(driver, 'r-1', 'a')
        await take(driver, 'r-1', 'c')
        same(await resources(driver), ['r-2', 'r-1', 'r-3'], 'what is locked')
        same(await resources(driver, { heldSeconds: 3_600 }), ['r-2', 'r-1'], 'what is locked for an hour')
        same(await resources(driver, { heldSeconds: 36_000 }), [], 'what is locked for ten')
        same(await resources(driver, { owner: 'b' }), ['r-3'], 'what one has')
        same(await resources(driver, { resource: 'r-1' }), ['r-1'], 'one of them')
        const first = await driver.search.locks(anyHold, { after: null, limit: 2 })
        const [found] = first.items
        same([found?.owner, found?.resource], ['a', 'r-2'], 'what is said of one')
        holds((found?.heldSeconds ?? 0) >= 3_600, 'it is not said to be an hour old')
        holds(Date.parse(found?.since ?? '') > 0, 'it is not said since when it is held')
        const rest = await driver.search.locks(anyHold, { after: first.next, limit: 2 })
        same([rest.items.map(({ resource }) => resource), rest.next], [['r-3'], null], 'the second page')
        await release(driver, 'a')
        same(await resources(driver), ['r-3'], 'what is locked in the end')
      },
    },
  ]
}

function take<Tx>({ locks, unitOfWork }: SemanticLockDriver<Tx>, resource: string, owner: string) {
  return unitOfWork.run((tx) => locks.take(tx, resource, owner))
}

function release<Tx>({ locks, unitOfWork }: SemanticLockDriver<Tx>, owner: string) {
  return unitOfWork.run((tx) => locks.release(tx, owner))
}

async function resources<Tx>({ search }: SemanticLockDriver<Tx>, filter: Partial<typeof anyHold> = {}) {
  return (await search.locks({ ...anyHold, ...filter }, firstPage)).items.map(({ resource }) => resource)
}
