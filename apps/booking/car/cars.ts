import { holding } from '../holding/holding.ts'
import type { Trip } from '../messages.ts'

/** The cars of one fleet, by days. */
export const cars = holding({ places: 'fleet', days: 'car_day', holds: 'rental' })

/** What a trip takes of them: a car for each day that follows a night, and one for a visit of a day. */
export function rentalOf({ tripId, arrival, nights }: Pick<Trip, 'tripId' | 'arrival' | 'nights'>) {
  return { tripId, place: 'fleet', firstDay: arrival, days: Math.max(nights, 1) }
}
