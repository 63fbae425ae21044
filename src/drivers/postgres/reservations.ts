import { addedUp, otherQuantity, type Quantity } from '../../message/quantity.ts'
import type { Lacking, Reservations } from '../../ports/reservations.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

interface QuantityRow {
  readonly resource: string
  readonly quantity: string
}

/** The reservations of a service, in its own database. */
export function postgresReservations(): Reservations<Sql> {
  return {
    async reserve(tx, owner, wanted) {
      const quantities = addedUp(owner, wanted)
      const [row] = await run<{ kind: 'held' | 'confirmed' | 'refused' | 'other'; lacking: string | null }>(tx, {
        name: 'estafet-reserve',
        text: `SELECT r.kind, r.lacking::text AS lacking
          FROM estafet.reserve($1, $2::text[], $3::bigint[], $4::bigint[]) AS r`,
        values: [
          owner,
          quantities.map(({ resource }) => resource),
          quantities.map(({ quantity }) => quantity),
          quantities.map(({ capacity }) => capacity),
        ],
      })
      if (row === undefined || row.kind === 'other') throw otherQuantity(owner)
      if (row.kind !== 'refused') return { kind: row.kind }
      const lacking: readonly Lacking[] = JSON.parse(row.lacking ?? '[]')
      return { kind: 'refused', lacking }
    },

    async confirm(tx, owner) {
      const rows = await run<QuantityRow>(tx, {
        name: 'estafet-reservation-confirm',
        text: `WITH own AS (UPDATE estafet.reservation SET confirmed_at = coalesce(confirmed_at, clock_timestamp())
            WHERE owner = $1 RETURNING owner)
          SELECT q.resource, q.quantity::text AS quantity FROM estafet.reserved_quantity AS q JOIN own ON own.owner = q.owner
          ORDER BY q.resource COLLATE "C"`,
        values: [owner],
      })
      return rows.map(toQuantity)
    },

    async release(tx, owner) {
      const rows = await run<QuantityRow>(tx, {
        name: 'estafet-reservation-release',
        text: `SELECT r.resource, r.quantity::text AS quantity FROM estafet.release_reservation($1) AS r`,
        values: [owner],
      })
      return rows.map(toQuantity)
    },

    async taken(tx, resources) {
      const rows = await run<{ resource: string; taken: string }>(tx, {
        name: 'estafet-reservation-taken',
        text: `SELECT r.resource, r.taken::text AS taken FROM estafet.limited_resource AS r WHERE r.resource = ANY($1::text[])`,
        values: [resources],
      })
      const known = new Map(rows.map(({ resource, taken }) => [resource, Number(taken)]))
      return resources.map((resource) => known.get(resource) ?? 0)
    },
  }
}

function toQuantity({ resource, quantity }: QuantityRow): Quantity {
  return { resource, quantity: Number(quantity) }
}
