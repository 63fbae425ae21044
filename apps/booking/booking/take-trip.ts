import { EstafetError, type MessageContext } from 'estafet'
import type { PostgresStore } from 'estafet/postgres'
import { type Trip, TripCancelled, TripRequested } from '../messages.ts'
import { advance, begin, type Form, giveUp, type State } from './trips.ts'

/** Begins a trip, in one transaction with what makes it go on. The same trip again changes nothing. */
export function takeTrip(
  store: PostgresStore,
  trip: Trip,
  form: Form,
  context: MessageContext,
): Promise<'begun' | 'known' | 'conflict'> {
  return store.transaction(async (tx, publish) => {
    const begun = await begin(tx, trip, form)
    if (begun !== 'begun') return begun
    if (form === 'orchestrated') throw new EstafetError('UNSUPPORTED', 'There is nobody yet to lead a trip through.')
    await advance(tx, trip.tripId, 'BOOKING_CREATED')
    publish(TripRequested(trip, context))
    return begun
  })
}

/** The guest does not want a trip any more. Resolves to its state; null when there is none. */
export function giveUpTrip(
  store: PostgresStore,
  tripId: string,
  on: string,
  context: MessageContext,
): Promise<State | null> {
  return store.transaction(async (tx, publish) => {
    const found = await giveUp(tx, tripId, on)
    if (found === null) return null
    if (found.cancelled !== null) publish(TripCancelled(found.cancelled, context))
    return found.state
  })
}
