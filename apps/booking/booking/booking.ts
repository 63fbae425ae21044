import { service } from 'estafet'
import type { Sql } from 'estafet/postgres'
import { bookingReacts } from '../choreography/booking.ts'
import { commands, TripCancelled, TripRequested } from '../messages.ts'

/** Takes trips over HTTP, and follows what becomes of them. */
export const booking = service<Sql>('booking', {
  publishes: [TripRequested, TripCancelled, ...commands.flatMap(({ request, cancel }) => [request, cancel])],
  handlers: [...bookingReacts],
})
