import { holding } from '../holding/holding.ts'
import type { Trip } from '../messages.ts'

/** The rooms of the hotels, by nights. */
export const rooms = holding({ places: 'hotel', days: 'room_night', holds: 'reservation' })

/** What a trip takes of them. */
export function stayOf({ tripId, hotel, arrival, nights }: Pick<Trip, 'tripId' | 'hotel' | 'arrival' | 'nights'>) {
  return { tripId, place: hotel, firstDay: arrival, days: nights }
}
