import type { WantedQuantity } from '../message/quantity.ts'
import type { Reservations } from '../ports/reservations.ts'
import { type Clause, holds, rejects, same, settlesWithin } from './clause.ts'
import { anyHold, firstPage, type HoldsDriver } from './holds-driver.ts'

/** What a driver's test gives to the clauses of Reservations: an empty database. */
export interface ReservationDriver<Tx> extends HoldsDriver<Tx> {
  readonly reservations: Reservations<Tx>
}

/** The promises of Reservations: nobody gets what is not there, all or nothing, each once. */
export function reservationClauses<Tx>(): readonly Clause<ReservationDriver<Tx>>[] {
  return [
    {
      says: 'all that is wanted is held or nothing of it, and what there is too little of is told',
      async holds(driver) {
        same(await reserve(driver, 'a', [of('r-1', 2), of('r-2', 1)]), { kind: 'held' }, 'the first')
        const lacking = [{ resource: 'r-2', quantity: 3, left: 2 }]
        same(await reserve(driver, 'b', [of('r-2', 3), of('r-1', 1)]), { kind: 'refused', lacking }, 'too much')
        same(await taken(driver), [2, 1], 'what is taken')
        same(await reserve(driver, 'b', [of('r-2', 2), of('r-1', 1)]), { kind: 'held' }, 'what is left')
        same(await taken(driver), [3, 3], 'what is taken in the end')
        const both = [
          { resource: 'r-1', quantity: 1, left: 0 },
          { resource: 'r-2', quantity: 1, left: 0 },
        ]
        same(
          await reserve(driver, 'c', [of('r-2', 1), of('r-1', 1)]),
          { kind: 'refused', lacking: both },
          'nothing left',
        )
      },
    },
    {
      says: 'an owner that asks again has what it has, and nothing more is taken',
      async holds(driver) {
        const wanted = [of('r-1', 2), of('r-2', 3)]
        await reserve(driver, 'a', wanted)
        same(await reserve(driver, 'a', wanted.toReversed()), { kind: 'held' }, 'the second answer')
        await confirm(driver, 'a')
        same(await reserve(driver, 'a', wanted), { kind: 'confirmed' }, 'the answer once it is confirmed')
        same(await taken(driver), [2, 3], 'what is taken')
      },
    },
    {
      says: 'what is confirmed stays taken, and what is released is there again, each once',
      async holds(driver) {
        const wanted = [of('r-2', 1), of('r-1', 3)]
        const told = [
          { resource: 'r-1', quantity: 3 },
          { resource: 'r-2', quantity: 1 },
        ]
        await reserve(driver, 'a', wanted)
        same(await confirm(driver, 'a'), told, 'what was confirmed')
        same(await confirm(driver, 'a'), told, 'what was confirmed again')
        same(await taken(driver), [3, 1], 'what is taken')
        same(await release(driver, 'a'), told, 'what was released')
        same(await release(driver, 'a'), [], 'what was released again')
        same(await confirm(driver, 'a'), [], 'what was confirmed after that')
        same(await taken(driver), [0, 0], 'what is taken then')
        await reserve(driver, 'b', [of('r-2', 1)])
        await reserve(driver, 'a', [of('r-2', 2)])
        same(await release(driver, 'b'), [{ resource: 'r-2', quantity: 1 }], 'what another one released')
        same(await taken(driver), [0, 2], 'what is taken in the end')
      },
    },
    {
      says: 'a capacity is what the caller says it is: one that shrank lets nobody in, and takes nothing away',
      async holds(driver) {
        await reserve(driver, 'a', [of('r-1', 3)])
        const lacking = [{ resource: 'r-1', quantity: 1, left: 0 }]
        same(await reserve(driver, 'b', [of('r-1', 1, 2)]), { kind: 'refused', lacking }, 'of two')
        same(await confirm(driver, 'a'), [{ resource: 'r-1', quantity: 3 }], 'what was there before')
        same(await reserve(driver, 'b', [of('r-1', 1, 4)]), { kind: 'held' }, 'of four')
        await release(driver, 'b')
        await release(driver, 'a')
        same(await reserve(driver, 'c', [of('r-1', 2, 2)]), { kind: 'held' }, 'of two that are free')
      },
    },
    {
      says: 'quantities of one resource add up, and the least capacity counts',
      async holds(driver) {
        const lacking = [{ resource: 'r-1', quantity: 4, left: 3 }]
        const twice = [of('r-1', 2), of('r-1', 2)]
        same(await reserve(driver, 'a', twice), { kind: 'refused', lacking }, 'twice two of three')
        same(
          await reserve(driver, 'a', [of('r-1', 2, 9), of('r-1', 2, 3)]),
          { kind: 'refused', lacking },
          'of the least',
        )
        same(await reserve(driver, 'a', [of('r-1', 2), of('r-1', 1)]), { kind: 'held' }, 'two and one of three')
        same(await reserve(driver, 'a', [of('r-1', 3)]), { kind: 'held' }, 'the same again')
      },
    },
    {
      says: 'what cannot be counted is refused, and so is an owner that asks for something else',
      async holds(driver) {
        const uncountable = [
          [],
          [of('r-1', 0)],
          [of('r-1', -1)],
          [of('r-1', 0.5)],
          [of('', 1)],
          [of('r-1', 1, Number.NaN)],
        ]
        for (const wanted of uncountable) await rejects(reserve(driver, 'a', wanted), 'MISCONFIGURED')
        await rejects(reserve(driver, '', [of('r-1', 1)]), 'MISCONFIGURED')
        await reserve(driver, 'a', [of('r-1', 1), of('r-2', 1)])
        for (const other of [[of('r-1', 1)], [of('r-1', 2), of('r-2', 1)], [of('r-1', 1), of('r-3', 1)]]) {
          await rejects(reserve(driver, 'a', other), 'MISCONFIGURED')
        }
        same(await taken(driver), [1, 1], 'what is taken')
      },
    },
    {
      says: 'what is done in a transaction that is rolled back was not done',
      async holds(driver) {
        await reserve(driver, 'a', [of('r-1', 1)])
        for (const undone of ['reserve', 'confirm', 'release'] as const) {
          const open = await driver.begin()
          if (undone === 'reserve') await driver.reservations.reserve(open.tx, 'b', [of('r-1', 2)])
          else await driver.reservations[undone](open.tx, 'a')
          await open.rollback()
        }
        same(await reserve(driver, 'a', [of('r-1', 1)]), { kind: 'held' }, 'the reservation')
        same(await taken(driver), [1, 0], 'what is taken')
        same(await release(driver, 'b'), [], 'what was rolled back')
      },
    },
    {
      says: 'who wants what another transaction takes or gives back waits for its end, and gets what is left',
      async holds(driver) {
        const { reservations } = driver
        const takes = await driver.begin()
        await reservations.reserve(takes.tx, 'a', [of('r-1', 3)])
        const second = reserve(driver, 'b', [of('r-1', 1)])
        same(await settlesWithin(driver.moment(), second), false, 'whether the second was done before the first')
        await takes.commit()
        same((await second).kind, 'refused', 'the second')
        const gives = await driver.begin()
        await reservations.release(gives.tx, 'a')
        const third = reserve(driver, 'c', [of('r-1', 3)])
        same(await settlesWithin(driver.moment(), third), false, 'whether the third was done before the release')
        await gives.commit()
        same((await third).kind, 'held', 'the third')
      },
    },
    {
      says: 'of many at once as many get something as there is, whatever order they name it in, and none is in another one’s way',
      async holds(driver) {
        const owners = Array.from({ length: 12 }, (_, at) => `o-${at}`)
        const kinds = await Promise.all(
          owners.map(async (owner, at) => {
            const wanted = [of('r-1', 1), of('r-2', 1), of('r-3', 1)]
            return (await reserve(driver, owner, at % 2 === 0 ? wanted : wanted.toReversed())).kind
          }),
        )
        same(kinds.filter((kind) => kind === 'held').length, 3, 'how many got all three')
        const back = await Promise.all(owners.map((owner) => release(driver, owner)))
        same(back.filter((quantities) => quantities.length === 3).length, 3, 'how many gave them back')
        same(await taken(driver), [0, 0], 'what is taken in the end')
      },
    },
    {
      says: 'the same owner at once from two sides holds once',
      async holds(driver) {
        const wanted = [of('r-1', 2)]
        const kinds = await Promise.all([1, 2, 3].map(async () => (await reserve(driver, 'a', wanted)).kind))
        same(kinds, ['held', 'held', 'held'], 'the answers')
        same(await taken(driver), [2, 0], 'what is taken')
        const back = await Promise.all([1, 2, 3].map(() => release(driver, 'a')))
        same(back.filter((quantities) => quantities.length > 0).length, 1, 'how often it was released')
        same(await taken(driver), [0, 0], 'what is taken in the end')
      },
    },
    {
      says: 'what is held is found with its age, the first held first, and nothing that is confirmed or released',
      async holds(driver) {
        for (const owner of ['a', 'b', 'c']) await reserve(driver, owner, [of('r-2', 1), of('r-1', 1)])
        await driver.age(3_600_000)
        await reserve(driver, 'd', [of('r-3', 1)])
        await confirm(driver, 'b')
        same(await owners(driver), ['a', 'c', 'd'], 'what is held')
        same(await owners(driver, { heldSeconds: 3_600 }), ['a', 'c'], 'what is held for an hour')
        same(await owners(driver, { heldSeconds: 36_000 }), [], 'what is held for ten')
        same(await owners(driver, { owner: 'c' }), ['c'], 'what one holds')
        same(await owners(driver, { resource: 'r-3' }), ['d'], 'who holds something of one resource')
        await release(driver, 'a')
        const first = await driver.search.reservations(anyHold, { after: null, limit: 1 })
        same(
          first.items.map(({ owner }) => owner),
          ['c'],
          'the first page',
        )
        const [found] = first.items
        const quantities = [
          { resource: 'r-1', quantity: 1 },
          { resource: 'r-2', quantity: 1 },
        ]
        same(found?.quantities, quantities, 'what is said of one')
        holds((found?.heldSeconds ?? 0) >= 3_600, 'it is not said to be an hour old')
        holds(Date.parse(found?.since ?? '') > 0, 'it is not said since when it is held')
        const rest = await driver.search.reservations(anyHold, { after: first.next, limit: 1 })
        same([rest.items.map(({ owner }) => owner), rest.next], [['d'], null], 'the second page')
      },
    },
  ]
}

function of(resource: string, quantity: number, capacity = 3): WantedQuantity {
  return { resource, quantity, capacity }
}

function reserve<Tx>(
  { reservations, unitOfWork }: ReservationDriver<Tx>,
  owner: string,
  wanted: readonly WantedQuantity[],
) {
  return unitOfWork.run((tx) => reservations.reserve(tx, owner, wanted))
}

function confirm<Tx>({ reservations, unitOfWork }: ReservationDriver<Tx>, owner: string) {
  return unitOfWork.run((tx) => reservations.confirm(tx, owner))
}

function release<Tx>({ reservations, unitOfWork }: ReservationDriver<Tx>, owner: string) {
  return unitOfWork.run((tx) => reservations.release(tx, owner))
}

function taken<Tx>({ reservations, unitOfWork }: ReservationDriver<Tx>) {
  return unitOfWork.run((tx) => reservations.taken(tx, ['r-1', 'r-2']))
}

async function owners<Tx>({ search }: ReservationDriver<Tx>, filter: Partial<typeof anyHold> = {}) {
  return (await search.reservations({ ...anyHold, ...filter }, firstPage)).items.map(({ owner }) => owner)
}
