import type { MessageContext, SagaService } from 'estafet'
import type { PostgresStore, Sql } from 'estafet/postgres'
import { type Trip, TripCancelled, TripRequested } from '../messages.ts'
import { CancellationSaga, TripSaga } from './orchestration.ts'
import { advance, begin, type Form, giveUp, type State } from './trips.ts'

/** What takes trips: booking's own database, and its sagas. */
export interface Desk {
  readonly store: PostgresStore
  readonly leading: SagaService<Sql>
}

/** Who asked, for all that follows from it. */
export interface Said extends MessageContext {
  readonly correlationId: string
}

/** Begins a trip, in one transaction with what makes it go on. The same trip again changes nothing. */
export function takeTrip(
  { store, leading }: Desk,
  trip: Trip,
  form: Form,
  said: Said,
): Promise<'begun' | 'known' | 'conflict'> {
  return store.transaction(async (tx, publish) => {
    const begun = await begin(tx, trip, form)
    if (begun !== 'begun') return begun
    if (form === 'orchestrated') {
      await leading.begin({ tx, publish }, TripSaga, trip.tripId, trip, { correlationId: said.correlationId })
    } else {
      await advance(tx, trip.tripId, 'BOOKING_CREATED')
      publish(TripRequested(trip, said))
    }
    return begun
  })
}

/** The guest does not want a trip any more. Resolves to its state; null when there is none. */
export function giveUpTrip({ store, leading }: Desk, tripId: string, on: string, said: Said): Promise<State | null> {
  return store.transaction(async (tx, publish) => {
    const found = await giveUp(tx, tripId, on)
    if (found === null) return null
    const { state, form, cancelled } = found
    if (cancelled === null) return state
    if (form === 'choreographed') publish(TripCancelled(cancelled, said))
    else {
      const { correlationId } = said
      await leading.begin({ tx, publish }, CancellationSaga, `${tripId}/cancellation`, cancelled, { correlationId })
    }
    return state
  })
}
