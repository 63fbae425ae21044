import type { HoldFilter, HoldSearch } from '../../ports/hold-search.ts'
import type { PageRequest } from '../../ports/page.ts'
import { instant } from './instant.ts'
import { run } from './run.ts'
import { pageOf, pageValues } from './selection.ts'
import type { Sql } from './sql.ts'

/** What owners hold, in the tables of migration 0014. `sql` is a pool whose role is a member of the `subscriber` role. */
export function postgresHoldSearch(sql: Sql): HoldSearch {
  return {
    async reservations(filter, page) {
      const rows = await run<HeldRow & { quantities: string }>(sql, {
        name: 'estafet-held-reservations',
        text: `SELECT ${columns('h.held_at')}, (SELECT json_agg(json_build_object('resource', q.resource, 'quantity', q.quantity)
              ORDER BY q.resource COLLATE "C") FROM estafet.reserved_quantity AS q WHERE q.owner = h.owner)::text AS quantities
          FROM estafet.reservation AS h
          WHERE h.confirmed_at IS NULL AND ($1::text IS NULL OR h.owner = $1)
            AND ($2::text IS NULL OR EXISTS (SELECT FROM estafet.reserved_quantity AS q WHERE q.owner = h.owner AND q.resource = $2))
            AND ${heldFor('h.held_at')} AND h.number > coalesce($4::bigint, 0)
          ORDER BY h.number LIMIT $5::int`,
        values: valuesOf(filter, page),
      })
      return pageOf(rows, page, numberOf, ({ quantities, ...row }) => ({
        ...toHeld(row),
        quantities: JSON.parse(quantities),
      }))
    },

    async locks(filter, page) {
      const rows = await run<HeldRow & { resource: string }>(sql, {
        name: 'estafet-held-locks',
        text: `SELECT ${columns('h.taken_at')}, h.resource FROM estafet.semantic_lock AS h
          WHERE ($1::text IS NULL OR h.owner = $1) AND ($2::text IS NULL OR h.resource = $2)
            AND ${heldFor('h.taken_at')} AND h.number > coalesce($4::bigint, 0)
          ORDER BY h.number LIMIT $5::int`,
        values: valuesOf(filter, page),
      })
      return pageOf(rows, page, numberOf, ({ resource, ...row }) => ({ ...toHeld(row), resource }))
    },
  }
}

interface HeldRow {
  readonly number: string
  readonly owner: string
  readonly since: string
  readonly heldSeconds: string
}

function columns(since: string): string {
  return `h.number::text AS number, h.owner, ${instant(since)} AS since,
    greatest(0, floor(extract(epoch FROM clock_timestamp() - ${since})))::bigint::text AS "heldSeconds"`
}

function heldFor(since: string): string {
  return `($3::bigint IS NULL OR ${since} <= clock_timestamp() - $3::bigint * interval '1 second')`
}

function valuesOf({ owner, resource, heldSeconds }: HoldFilter, page: PageRequest): readonly unknown[] {
  return [owner, resource, heldSeconds, ...pageValues(page)]
}

function numberOf({ number }: HeldRow): bigint {
  return BigInt(number)
}

function toHeld({ number, owner, since, heldSeconds }: HeldRow) {
  return { number: BigInt(number), owner, since, heldSeconds: Number(heldSeconds) }
}
