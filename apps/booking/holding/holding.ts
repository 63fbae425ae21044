import type { Sql } from 'estafet/postgres'

/** What is held for one trip: one of a place's, on each of some days in a row. */
export interface Hold {
  readonly tripId: string
  readonly place: string
  /** ISO 8601. */
  readonly firstDay: string
  /** 0: it is held on no day. */
  readonly days: number
}

/** Rooms of nights, or cars of days. */
export interface Holding {
  /** False, and nothing was written, when there is none left on one of the days. */
  hold(tx: Sql, hold: Hold): Promise<boolean>
  /** The trip is paid for. */
  confirm(tx: Sql, tripId: string): Promise<void>
  /** It is not, after all. */
  unconfirm(tx: Sql, tripId: string): Promise<void>
  /** Gives back what is held for the trip; what was given back before, or never held, is not given back again. */
  release(tx: Sql, tripId: string): Promise<void>
}

export interface HoldingTables {
  /** How many a place has: `place, capacity`. */
  readonly places: string
  /** One row for each place and day, made when it is first asked for: `place, day, capacity, held`. */
  readonly days: string
  /** `trip_id, place, first_day, days, state`. */
  readonly holds: string
}

/**
 * Never holds more than there is. A transaction has many trips, whose days overlap in any order: whoever begins to hold or release waits
 * until the one before has committed, else two would wait for each other's days. The rows of the days are locked as well, the
 * earliest first, for who comes by another way, and a CHECK of theirs has the last word.
 */
export function holding({ places, days, holds }: HoldingTables): Holding {
  const inTurn = (tx: Sql) => tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`holding ${days}`])
  const lock = (tx: Sql, hold: Omit<Hold, 'tripId'>) =>
    tx.query<{ isFree: boolean }>(
      `SELECT held < capacity AS "isFree" FROM ${days} WHERE place = $1 AND day >= $2::date AND day < $2::date + $3::int
        ORDER BY day FOR UPDATE`,
      [hold.place, hold.firstDay, hold.days],
    )
  const add = (tx: Sql, hold: Omit<Hold, 'tripId'>, by: 1 | -1) =>
    tx.query(
      `UPDATE ${days} SET held = held + $4::int WHERE place = $1 AND day >= $2::date AND day < $2::date + $3::int`,
      [hold.place, hold.firstDay, hold.days, by],
    )
  const move = async (tx: Sql, tripId: string, from: string, to: string): Promise<void> => {
    const text = `UPDATE ${holds} SET state = $3 WHERE trip_id = $1 AND state = $2`
    const { rowCount } = await tx.query(text, [tripId, from, to])
    if (rowCount !== 1) throw new Error(`of a trip nothing is ${from}, so that it could be ${to}`)
  }
  return {
    async hold(tx, hold) {
      await inTurn(tx)
      await tx.query(
        `INSERT INTO ${days} (place, day, capacity)
          SELECT place, $2::date + number, capacity FROM ${places}, generate_series(0, $3::int - 1) AS number
          WHERE place = $1 ORDER BY number ON CONFLICT DO NOTHING`,
        [hold.place, hold.firstDay, hold.days],
      )
      const { rows } = await lock(tx, hold)
      if (rows.length < hold.days || rows.some(({ isFree }) => !isFree)) return false
      await add(tx, hold, 1)
      await tx.query(
        `INSERT INTO ${holds} (trip_id, place, first_day, days, state) VALUES ($1, $2, $3, $4, 'reserved')`,
        [hold.tripId, hold.place, hold.firstDay, hold.days],
      )
      return true
    },
    confirm: (tx, tripId) => move(tx, tripId, 'reserved', 'confirmed'),
    unconfirm: (tx, tripId) => move(tx, tripId, 'confirmed', 'reserved'),
    async release(tx, tripId) {
      await inTurn(tx)
      const { rows } = await tx.query<Omit<Hold, 'tripId'>>(
        `UPDATE ${holds} SET state = 'released' WHERE trip_id = $1 AND state <> 'released'
          RETURNING place, first_day::text AS "firstDay", days`,
        [tripId],
      )
      for (const hold of rows) {
        await lock(tx, hold)
        await add(tx, hold, -1)
      }
    },
  }
}
