import { Decimal } from 'decimal.js'
import type { Sql } from 'estafet/postgres'
import type { Trip } from '../messages.ts'
import { isDeclined } from './card.ts'
import { keptOf, priceOf } from './terms.ts'

/** Charges the price of the whole trip; null, and nothing was written, when the card is declined. A free stay is a charge of 0. */
export async function charge(tx: Sql, trip: Trip): Promise<string | null> {
  const price = priceOf(trip)
  if (price !== '0.00' && isDeclined(trip.tripId)) return null
  await enter(tx, trip.tripId, 'charge', 'trip', price)
  return price
}

/** Gives back whatever the trip has paid: it did not come about, and that is nobody's fault. */
export async function refundWhole(tx: Sql, tripId: string): Promise<void> {
  const paid = await paidFor(tx, tripId)
  if (!new Decimal(paid).isZero()) await enter(tx, tripId, 'refund', 'compensation', paid)
}

export interface Refund {
  readonly refunded: string
  readonly kept: string
}

/** Gives back what the terms of its deposit leave of a completed trip's price: the guest does not want it any more. */
export async function refundByTerms(tx: Sql, trip: Trip, cancelledOn: string): Promise<Refund> {
  const kept = keptOf(trip, cancelledOn)
  const refunded = new Decimal(await paidFor(tx, trip.tripId)).minus(kept)
  if (!refunded.isZero()) await enter(tx, trip.tripId, 'refund', 'cancellation', refunded.toFixed(2))
  return { refunded: refunded.toFixed(2), kept }
}

async function paidFor(tx: Sql, tripId: string): Promise<string> {
  const { rows } = await tx.query<{ paid: string }>(
    `SELECT coalesce(sum(CASE kind WHEN 'charge' THEN amount ELSE -amount END), 0)::text AS paid
      FROM ledger_entry WHERE trip_id = $1`,
    [tripId],
  )
  return rows[0]?.paid ?? '0'
}

async function enter(tx: Sql, tripId: string, kind: string, why: string, amount: string): Promise<void> {
  await tx.query('INSERT INTO ledger_entry (trip_id, kind, why, amount) VALUES ($1, $2, $3, $4)', [
    ...[tripId, kind, why, amount],
  ])
}
