import { createHash } from 'node:crypto'

/**
 * Stands for the bank, which declines one card of 50. Which ones follows from the trips' ids, so that a repeated run meets
 * the same.
 */
export function isDeclined(tripId: string): boolean {
  return createHash('sha256').update(tripId).digest().readUInt32BE() % 50 === 0
}
