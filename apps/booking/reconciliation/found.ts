import pg from 'pg'
import { centsOf } from './cents.ts'

/** Where the four databases are, as somebody who may read all of them. */
export type Databases = Readonly<Record<'booking' | 'hotel' | 'car' | 'payment', string>>

export interface FoundTrip {
  readonly form: string
  readonly about: string
  readonly price: bigint
  readonly state: string
  readonly refusal: string | null
  /** What the booking service believes was kept. */
  readonly kept: bigint | null
}

/** One day of a hotel, or of the fleet. */
export interface FoundDay {
  readonly place: string
  readonly day: string
  readonly capacity: number
  /** As the service counts. */
  readonly held: number
  /** As its reservations say, one by one. */
  readonly recounted: number
}

export interface FoundPayments {
  readonly charges: number
  readonly charged: bigint
  readonly refunded: bigint
}

/** What the databases hold. */
export interface Found {
  readonly trips: ReadonlyMap<string, FoundTrip>
  readonly nights: readonly FoundDay[]
  readonly carDays: readonly FoundDay[]
  /** By trip: confirmed, reserved or released. */
  readonly rooms: ReadonlyMap<string, string>
  readonly cars: ReadonlyMap<string, string>
  readonly payments: ReadonlyMap<string, FoundPayments>
  /** Steps that were taken and never settled, of all services. */
  readonly unsettledSteps: number
  /** Trips that are led, and are not at their end; and their steps. */
  readonly openSagas: number
  readonly openSteps: number
  /** Trips in which nobody leads, and in which something is awaited. */
  readonly openFlows: number
  /** Messages that wait because one of their key failed, of all services. */
  readonly parked: number
}

/** Reads the four databases with plain SQL: tables, and nothing of the toolkit's. */
export async function readDatabases(databases: Databases): Promise<Found> {
  const rows = async <Row extends object>(database: keyof Databases, text: string): Promise<readonly Row[]> => {
    const client = new pg.Client({ connectionString: databases[database] })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query<Row>(text)).rows
    } finally {
      await client.end().catch(() => {})
    }
  }
  const one = async (text: string): Promise<number> => (await rows<{ n: number }>('booking', text))[0]?.n ?? 0
  const total = async (text: string): Promise<number> => {
    let sum = 0
    for (const name of ['booking', 'hotel', 'car', 'payment'] as const) {
      sum += (await rows<{ n: number }>(name, text))[0]?.n ?? 0
    }
    return sum
  }
  type TripRow = { id: string; form: string; about: string; price: string; state: string } & Record<
    'refusal' | 'kept',
    string | null
  >
  const trips = await rows<TripRow>('booking', tripsText)
  const payments = await rows<{ id: string; charges: number; charged: string; refunded: string }>(
    'payment',
    paymentsText,
  )
  type HoldRow = { id: string; state: string }
  const holds = (held: readonly HoldRow[]) => new Map(held.map(({ id, state }) => [id, state]))
  return {
    trips: new Map(
      trips.map(({ id, price, kept, ...trip }) => [
        id,
        { ...trip, price: centsOf(price), kept: kept === null ? null : centsOf(kept) },
      ]),
    ),
    nights: await rows<FoundDay>('hotel', daysText('room_night', 'reservation')),
    carDays: await rows<FoundDay>('car', daysText('car_day', 'rental')),
    rooms: holds(await rows<HoldRow>('hotel', 'SELECT trip_id AS id, state FROM reservation')),
    cars: holds(await rows<HoldRow>('car', 'SELECT trip_id AS id, state FROM rental')),
    payments: new Map(
      payments.map(({ id, charges, charged, refunded }) => [
        id,
        { charges, charged: centsOf(charged), refunded: centsOf(refunded) },
      ]),
    ),
    unsettledSteps: await total(`SELECT count(*)::int AS n FROM estafet.step WHERE state = 'new'`),
    openSagas: await one(`SELECT count(*)::int AS n FROM estafet.saga WHERE status IN ('running', 'compensating')`),
    openSteps: await one(
      `SELECT count(*)::int AS n FROM estafet.saga_step WHERE state IN ('asking', 'waiting', 'cancelling', 'undoing')`,
    ),
    openFlows: await one(`SELECT count(*)::int AS n FROM estafet.flow WHERE status = 'waiting'`),
    parked: await total(
      `SELECT count(*)::int AS n FROM estafet.parked_message WHERE state IN ('waiting', 'retrying', 'dead')`,
    ),
  }
}

const tripsText = `SELECT trip_id AS id, form, price::text, state::text, refusal, kept::text,
  concat_ws(', ', hotel, arrival, nights, CASE WHEN wants_car THEN 'car' ELSE 'no car' END, deposit) AS about FROM trip`

const paymentsText = `SELECT trip_id AS id, count(*) FILTER (WHERE kind = 'charge')::int AS charges,
  coalesce(sum(amount) FILTER (WHERE kind = 'charge'), 0)::text AS charged,
  coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0)::text AS refunded FROM ledger_entry GROUP BY trip_id`

const daysText = (days: string, holds: string): string => `
  SELECT d.place, d.day::text AS day, d.capacity, d.held, coalesce(h.held, 0)::int AS recounted FROM ${days} d
  LEFT JOIN (
    SELECT place, first_day + number AS day, count(*) AS held FROM ${holds}, generate_series(0, days - 1) AS number
    WHERE state <> 'released' GROUP BY place, first_day + number
  ) h USING (place, day) ORDER BY place, day`
