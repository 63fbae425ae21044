import { Decimal } from 'decimal.js'
import type { Trip } from '../messages.ts'

type Priced = Pick<Trip, 'nights' | 'pricePerNight'>

/** What the whole stay costs; a decimal with two places, as all amounts here. */
export function priceOf({ nights, pricePerNight }: Priced): string {
  return new Decimal(pricePerNight).times(nights).toFixed(2)
}

/**
 * What the hotel keeps when a completed trip is cancelled:
 *
 * | deposit    | before the day of arrival | on that day or later |
 * | No Deposit | nothing                   | the first night      |
 * | Refundable | the first night           | everything           |
 * | Non Refund | everything                | everything           |
 *
 * A day visit has no night, and costs nothing to begin with.
 */
export function keptOf(trip: Priced & Pick<Trip, 'deposit' | 'arrival'>, cancelledOn: string): string {
  const isLate = cancelledOn >= trip.arrival
  if (trip.deposit === 'Non Refund' || (trip.deposit === 'Refundable' && isLate)) return priceOf(trip)
  if (trip.deposit === 'No Deposit' && !isLate) return '0.00'
  return priceOf({ ...trip, nights: Math.min(trip.nights, 1) })
}
