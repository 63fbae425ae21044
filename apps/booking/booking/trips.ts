import type { Sql } from 'estafet/postgres'
import type { Trip } from '../messages.ts'

export const states = [
  ...(['STARTED', 'BOOKING_CREATED', 'HOTEL_RESERVED', 'CAR_RESERVED', 'PAYMENT_PROCESSED'] as const),
  ...(['COMPLETED', 'CANCELLING', 'CANCELLED', 'COMPENSATED'] as const),
] as const
export type State = (typeof states)[number]

/** orchestrated: booking leads. choreographed: nobody does. */
export const forms = ['orchestrated', 'choreographed'] as const
export type Form = (typeof forms)[number]

export interface Cancelled extends Trip {
  /** ISO 8601. */
  readonly cancelledOn: string
}

const fields = `trip_id AS "tripId", hotel, arrival::text, nights, wants_car AS "wantsCar", deposit,
  price_per_night::text AS "pricePerNight"`

/** Begins a trip. `known` when it was begun before with the same content, `conflict` when with another. */
export async function begin(tx: Sql, trip: Trip, form: Form): Promise<'begun' | 'known' | 'conflict'> {
  const values = [
    trip.tripId,
    form,
    trip.hotel,
    trip.arrival,
    trip.nights,
    trip.wantsCar,
    trip.deposit,
    trip.pricePerNight,
  ]
  const { rowCount } = await tx.query(
    `INSERT INTO trip (trip_id, form, hotel, arrival, nights, wants_car, deposit, price_per_night, state)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'STARTED') ON CONFLICT (trip_id) DO NOTHING`,
    values,
  )
  if (rowCount === 1) return 'begun'
  const same = await tx.query(
    `SELECT FROM trip WHERE (trip_id, form, hotel, arrival, nights, wants_car, deposit, price_per_night)
      = ($1, $2, $3, $4::date, $5::int, $6::boolean, $7, $8::numeric)`,
    values,
  )
  return same.rowCount === 1 ? 'known' : 'conflict'
}

/** Takes a trip on to a state; one that is there or further stays where it is. */
export async function advance(tx: Sql, tripId: string, to: State): Promise<void> {
  await tx.query('UPDATE trip SET state = $2 WHERE trip_id = $1 AND state < $2::trip_state', [tripId, to])
}

/** Completes a trip. When its guest gave it up meanwhile it is CANCELLING then, and the result is what is to be cancelled. */
export async function complete(tx: Sql, tripId: string): Promise<Cancelled | null> {
  await advance(tx, tripId, 'COMPLETED')
  return beginCancelling(tx, tripId)
}

/** What came of it when a guest gives a trip up. */
export interface GivenUp {
  readonly state: State
  readonly form: Form
  /** To be cancelled now; null: it is already, or will be as soon as it is completed, or there is nothing to cancel. */
  readonly cancelled: Cancelled | null
}

/** Notes that the guest gives a trip up. Null: there is none. A day that was said before stays. */
export async function giveUp(tx: Sql, tripId: string, on: string): Promise<GivenUp | null> {
  const { rowCount } = await tx.query(
    'UPDATE trip SET cancelled_on = coalesce(cancelled_on, $2::date) WHERE trip_id = $1',
    [tripId, on],
  )
  if (rowCount === 0) return null
  const cancelled = await beginCancelling(tx, tripId)
  const { rows } = await tx.query<{ state: State; form: Form }>('SELECT state, form FROM trip WHERE trip_id = $1', [
    tripId,
  ])
  const [row] = rows
  return row === undefined ? null : { ...row, cancelled }
}

async function beginCancelling(tx: Sql, tripId: string): Promise<Cancelled | null> {
  const { rows } = await tx.query<Cancelled>(
    `UPDATE trip SET state = 'CANCELLING' WHERE trip_id = $1 AND state = 'COMPLETED' AND cancelled_on IS NOT NULL
      RETURNING ${fields}, cancelled_on::text AS "cancelledOn"`,
    [tripId],
  )
  return rows[0] ?? null
}

/** Notes what was kept of the price of a cancelled trip. */
export async function noteKept(tx: Sql, tripId: string, kept: string): Promise<void> {
  await tx.query('UPDATE trip SET kept = $2 WHERE trip_id = $1', [tripId, kept])
}

/** Notes why a trip does not come about. */
export async function noteRefusal(tx: Sql, tripId: string, refusal: string): Promise<void> {
  await tx.query('UPDATE trip SET refusal = $2 WHERE trip_id = $1', [tripId, refusal])
}

/** Ends a trip that did not come about, with nothing held or paid for it any more. */
export async function compensated(tx: Sql, tripId: string): Promise<void> {
  await tx.query(
    `UPDATE trip SET state = 'COMPENSATED', refusal = coalesce(refusal, 'taken-back')
      WHERE trip_id = $1 AND state < 'COMPLETED'`,
    [tripId],
  )
}
