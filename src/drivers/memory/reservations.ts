import { addedUp, isSameQuantity, otherQuantity, type Quantity, type WantedQuantity } from '../../message/quantity.ts'
import type { Lacking, Reservations } from '../../ports/reservations.ts'
import type { MemoryTransaction } from './database.ts'
import type { MemorySession } from './session.ts'
import { transactionalTable } from './transactional-table.ts'

/** An owner's reservation, as HoldSearch of the same database finds it. */
export interface MemoryReservation {
  readonly number: bigint
  readonly state: 'held' | 'confirmed'
  readonly quantities: readonly Quantity[]
  readonly at: number
}

export const reservationTable = 'reservation'

/** The reservations of a service, in a memory database. */
export function memoryReservations({ database, interrupt }: MemorySession): Reservations<MemoryTransaction> {
  const reservations = transactionalTable<MemoryReservation>(database, reservationTable)
  /** How much of each resource is taken. */
  const resources = transactionalTable<number>(database, 'reserved resource')

  async function lock(tx: MemoryTransaction, quantities: readonly Quantity[]): Promise<void> {
    for (const { resource } of quantities) {
      await interrupt('lock resource')
      await database.lock(tx, `resource ${resource}`, 'exclusive')
    }
  }

  function change(tx: MemoryTransaction, quantities: readonly Quantity[], by: 1 | -1): void {
    for (const { resource, quantity } of quantities) {
      resources.set(tx, resource, (resources.get(tx, resource) ?? 0) + by * quantity)
    }
  }

  return {
    async reserve(tx, owner, wanted) {
      const quantities = inOrder(addedUp(owner, wanted))
      return database.statement(tx, async () => {
        await interrupt('reserve')
        await database.lock(tx, `reservation ${owner}`, 'exclusive')
        const known = reservations.get(tx, owner)
        if (known !== undefined) {
          if (!isSameQuantity(known.quantities, quantities)) throw otherQuantity(owner)
          return { kind: known.state }
        }
        await lock(tx, quantities)
        const lacking = quantities.flatMap((each) => lackingOf(each, resources.get(tx, each.resource) ?? 0))
        if (lacking.length > 0) return { kind: 'refused', lacking }
        change(tx, quantities, 1)
        const [number, at] = [reservations.draw(), database.clock.now()]
        const plain = quantities.map(({ resource, quantity }) => ({ resource, quantity }))
        reservations.set(tx, owner, { number, state: 'held', quantities: plain, at })
        return { kind: 'held' }
      })
    },

    confirm(tx, owner) {
      return database.statement(tx, async () => {
        await interrupt('confirm')
        await database.lock(tx, `reservation ${owner}`, 'exclusive')
        const known = reservations.get(tx, owner)
        if (known === undefined) return []
        reservations.set(tx, owner, { ...known, state: 'confirmed' })
        return known.quantities
      })
    },

    release(tx, owner) {
      return database.statement(tx, async () => {
        await interrupt('release reservation')
        await database.lock(tx, `reservation ${owner}`, 'exclusive')
        const known = reservations.get(tx, owner)
        if (known === undefined) return []
        await lock(tx, known.quantities)
        change(tx, known.quantities, -1)
        reservations.set(tx, owner, null)
        return known.quantities
      })
    },

    taken(tx, names) {
      return database.statement(tx, async () => {
        await interrupt('taken')
        return names.map((resource) => resources.get(tx, resource) ?? 0)
      })
    },
  }
}

function lackingOf({ resource, quantity, capacity }: WantedQuantity, taken: number): readonly Lacking[] {
  return taken + quantity <= capacity ? [] : [{ resource, quantity, left: Math.max(0, capacity - taken) }]
}

function inOrder<Each extends Quantity>(quantities: readonly Each[]): readonly Each[] {
  return quantities.toSorted((a, b) => (a.resource < b.resource ? -1 : Number(a.resource > b.resource)))
}
