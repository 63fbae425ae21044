import type { Redrive, RedriveState, Redrives } from '../../ports/redrives.ts'
import { decide, toDecided, toNumber } from './decided.ts'
import { instant } from './instant.ts'
import { run } from './run.ts'
import { pageOf, pageValues, selectionText } from './selection.ts'
import type { Sql } from './sql.ts'

/** Jobs by the functions of migration 0006. `sql` is a pool whose role is a member of the `subscriber` role. */
export function postgresRedrives(sql: Sql): Redrives {
  return {
    async start(subscription, { selection, expected, isCanary, rate }, { requestId, who, reason }) {
      const row = await decide(sql, {
        name: 'estafet-redrive-start',
        text: `SELECT s.outcome, s.count::text AS count, s.number::text AS number, NULL AS state
          FROM estafet.start_redrive($1, $2::json, $3::bigint, $4, $5::boolean, $6::int, $7, $8) AS s`,
        values: [subscription, selectionText(selection), expected, requestId, isCanary, rate, who, reason],
      })
      return { ...toDecided(row), number: toNumber(row) }
    },

    async change(subscription, number, to, { who, reason }) {
      const row = await decide(sql, {
        name: 'estafet-redrive-change',
        text: `SELECT c.outcome, NULL AS count, NULL AS number, c.state
          FROM estafet.change_redrive($1, $2::bigint, $3, $4, $5) AS c`,
        values: [subscription, number.toString(), to, who, reason],
      })
      return { outcome: row.outcome, state: states.find((state) => state === row.state) ?? null }
    },

    async step(subscription) {
      const [row] = await run<{ has_more: boolean }>(sql, {
        name: 'estafet-redrive-step',
        text: 'SELECT estafet.step_redrives($1) AS has_more',
        values: [subscription],
      })
      return row?.has_more ?? false
    },

    async list(subscription, page) {
      const rows = await run<RedriveRow>(sql, {
        name: 'estafet-redrive-list',
        text: listText,
        values: [subscription, ...pageValues(page)],
      })
      return pageOf(rows, page, ({ number }) => BigInt(number), toRedrive)
    },
  }
}

const states: readonly RedriveState[] = ['running', 'paused', 'cancelled', 'stopped', 'done']

interface RedriveRow extends Omit<Redrive, 'number'> {
  readonly number: string
}

const listText = `SELECT r.number::text AS number, r.request_id AS "requestId", r.state, r.is_canary AS "isCanary", r.rate,
    r.selection::text AS selection, r.requested_by AS "requestedBy", r.reason, ${instant('r.created_at')} AS "createdAt",
    ${instant('r.changed_at')} AS "changedAt", s.pending, s.released, s.applied, s.failed, s.cancelled
  FROM estafet.redrive AS r CROSS JOIN LATERAL (
    SELECT (count(*) FILTER (WHERE m.state = 'pending'))::int AS pending,
      (count(*) FILTER (WHERE m.state = 'released'))::int AS released,
      (count(*) FILTER (WHERE m.state = 'applied'))::int AS applied,
      (count(*) FILTER (WHERE m.state = 'failed'))::int AS failed,
      (count(*) FILTER (WHERE m.state = 'cancelled'))::int AS cancelled
    FROM estafet.redrive_message AS m WHERE m.redrive = r.number) AS s
  WHERE r.subscription = $1 AND ($2::bigint IS NULL OR r.number < $2::bigint) ORDER BY r.number DESC LIMIT $3::int`

function toRedrive(row: RedriveRow): Redrive {
  return { ...row, number: BigInt(row.number) }
}
