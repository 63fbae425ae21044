import type { MemoryTransaction } from '../drivers/memory/database.ts'
import { memoryParking } from '../drivers/memory/parking.ts'
import { memoryRetries } from '../drivers/memory/retries.ts'
import type { MemorySession } from '../drivers/memory/session.ts'
import type { Parking } from '../ports/parking.ts'
import type { Retries } from '../ports/retries.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'

/** Ways to break a rule of parked keys. */
export const parkingMutants = [
  'parked keys not asked for',
  'parked outside the transaction',
  'key let go without its lock',
  'attempts not fenced',
  'applied outside the transaction',
] as const
export type ParkingMutant = (typeof parkingMutants)[number]

/** The stores of parked keys, right unless the mutant is one of them. */
export function parkingOf(
  session: MemorySession,
  unitOfWork: UnitOfWork<MemoryTransaction>,
  mutant: string | null,
): { readonly parking: Parking<MemoryTransaction>; readonly retries: Retries<MemoryTransaction> } {
  const parking = memoryParking(session)
  const retries = memoryRetries(session, {
    checksFence: mutant !== 'attempts not fenced',
    locksQueue: mutant !== 'key let go without its lock',
  })
  return {
    parking: {
      ...parking,
      hold: (tx, lane, keys) =>
        mutant === 'parked keys not asked for' ? Promise.resolve([]) : parking.hold(tx, lane, keys),
      park: (tx, lane, entries) =>
        mutant === 'parked outside the transaction'
          ? unitOfWork.run((own) => parking.park(own, lane, entries))
          : parking.park(tx, lane, entries),
    },
    retries: {
      ...retries,
      applied: (tx, attempt) =>
        mutant === 'applied outside the transaction'
          ? unitOfWork.run((own) => retries.applied(own, attempt))
          : retries.applied(tx, attempt),
    },
  }
}
