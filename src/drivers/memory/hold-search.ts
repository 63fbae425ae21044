import type { Held, HoldFilter, HoldSearch } from '../../ports/hold-search.ts'
import type { Page, PageRequest } from '../../ports/page.ts'
import { type MemoryReservation, reservationTable } from './reservations.ts'
import { lockTable, type MemoryLock } from './semantic-locks.ts'
import type { MemorySession } from './session.ts'
import { transactionalTable } from './transactional-table.ts'

/** What owners hold in a memory database. */
export function memoryHoldSearch({ database, interrupt }: MemorySession): HoldSearch {
  const reservations = transactionalTable<MemoryReservation>(database, reservationTable).committed
  const locks = transactionalTable<MemoryLock>(database, lockTable).committed
  const held = (number: bigint, owner: string, at: number): Held => ({
    ...{ number, owner, since: new Date(at).toISOString() },
    heldSeconds: Math.max(0, Math.floor((database.clock.now() - at) / 1_000)),
  })
  return {
    async reservations(filter, page) {
      await interrupt('search reservations')
      const all = [...reservations].flatMap(([owner, { number, state, quantities, at }]) =>
        state === 'held' ? [{ ...held(number, owner, at), quantities }] : [],
      )
      return pageOf(all, filter, page, ({ quantities }) => quantities.map(({ resource }) => resource))
    },

    async locks(filter, page) {
      await interrupt('search locks')
      const all = [...locks].map(([resource, { number, owner, at }]) => ({ ...held(number, owner, at), resource }))
      return pageOf(all, filter, page, ({ resource }) => [resource])
    },
  }
}

function pageOf<Item extends Held>(
  all: readonly Item[],
  { owner, resource, heldSeconds }: HoldFilter,
  { after, limit }: PageRequest,
  resourcesOf: (item: Item) => readonly string[],
): Page<Item> {
  const fitting = all
    .filter((item) => owner === null || item.owner === owner)
    .filter((item) => resource === null || resourcesOf(item).includes(resource))
    .filter((item) => heldSeconds === null || item.heldSeconds >= heldSeconds)
    .filter(({ number }) => number > (after ?? 0n))
    .sort((a, b) => Number(a.number - b.number))
  const items = fitting.slice(0, limit)
  return { items, next: fitting.length > limit ? (items.at(-1)?.number ?? null) : null }
}
