import { service } from 'estafet'
import { type PostgresStore, type Sql, sagas } from 'estafet/postgres'
import type pg from 'pg'
import { bookingReacts } from '../choreography/booking.ts'
import { commands, TripCancelled, TripRequested } from '../messages.ts'
import { CancellationSaga, TripSaga } from './orchestration.ts'

/** Takes trips over HTTP, leads those that want it, and follows what becomes of the others. */
export function bookingOn(pool: pg.Pool, store: PostgresStore) {
  const leading = sagas(pool, { service: 'booking', of: [TripSaga, CancellationSaga], store })
  const booking = service<Sql>('booking', {
    publishes: [TripRequested, TripCancelled, ...commands.flatMap(({ request, cancel }) => [request, cancel])],
    handlers: [...bookingReacts, ...leading.handlers],
  })
  return { booking, leading }
}
