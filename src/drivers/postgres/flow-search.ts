import type { FlowRow, FlowSearch, FlowSummary, ShownFlow } from '../../ports/flow-search.ts'
import type { FlowEvent, FlowStatus } from '../../ports/flows.ts'
import { instant } from './instant.ts'
import { run } from './run.ts'
import { pageOf, pageValues } from './selection.ts'
import type { Sql } from './sql.ts'

/** Flows in the tables of migration 0014. `sql` is a pool whose role is a member of the `subscriber` role. */
export function postgresFlowSearch(sql: Sql): FlowSearch {
  return {
    async list({ flow, status, isOverdue }, page) {
      const rows = await run<StoredFlow>(sql, {
        name: 'estafet-flow-list',
        text: `SELECT ${columns} FROM estafet.flow AS f
          WHERE f.status IS NOT NULL AND ($1::text IS NULL OR f.flow = $1) AND ($2::text IS NULL OR f.status = $2)
            AND (NOT $3::boolean OR ${overdue}) AND f.number > coalesce($4::bigint, 0)
          ORDER BY f.number LIMIT $5::int`,
        values: [flow, status, isOverdue, ...pageValues(page)],
      })
      return pageOf(rows, page, ({ number }) => BigInt(number), toFlow)
    },

    async show({ flow, correlationId }) {
      const [row] = await run<StoredFlow & { events: string }>(sql, {
        name: 'estafet-flow-show',
        text: `SELECT ${columns}, (SELECT json_agg(json_build_object('source', e.source, 'id', e.id, 'type', e.type,
              'at', ${instant('e.at')}) ORDER BY e.at, e.id COLLATE "C")
            FROM estafet.flow_event AS e WHERE e.flow = f.flow AND e.correlation_id = f.correlation_id)::text AS events
          FROM estafet.flow AS f WHERE f.flow = $1 AND f.correlation_id = $2 AND f.status IS NOT NULL`,
        values: [flow, correlationId],
      })
      if (row === undefined) return null
      const events: readonly FlowEvent[] = JSON.parse(row.events)
      const shown: ShownFlow = { ...toFlow(row), events }
      return shown
    },

    async summary() {
      const rows = await run<Record<keyof FlowSummary, string>>(sql, {
        name: 'estafet-flow-summary',
        text: `SELECT f.flow, (count(*) FILTER (WHERE f.status = 'unbegun'))::text AS unbegun,
            (count(*) FILTER (WHERE f.status = 'waiting'))::text AS waiting, (count(*) FILTER (WHERE ${overdue}))::text AS overdue,
            (count(*) FILTER (WHERE f.status = 'ended'))::text AS ended
          FROM estafet.flow AS f WHERE f.status IS NOT NULL GROUP BY f.flow ORDER BY f.flow COLLATE "C"`,
        values: [],
      })
      return rows.map(({ flow, unbegun, waiting, overdue: late, ended }) => ({
        ...{ flow, unbegun: Number(unbegun), waiting: Number(waiting), overdue: Number(late), ended: Number(ended) },
      }))
    },
  }
}

const overdue = `(f.status = 'waiting' AND f.due_at <= clock_timestamp())`

const columns = `f.flow, f.correlation_id AS "correlationId", f.number::text AS number, f.status, f.awaited,
  ${instant('f.begun_at')} AS "begunAt", ${instant('f.last_at')} AS "lastAt", ${instant('f.due_at')} AS "dueAt",
  greatest(0, floor(extract(epoch FROM clock_timestamp() - f.last_at)))::bigint::text AS "idleSeconds",
  CASE WHEN ${overdue} THEN floor(extract(epoch FROM clock_timestamp() - f.due_at))::bigint ELSE 0 END::text AS "overdueSeconds"`

interface StoredFlow {
  readonly flow: string
  readonly correlationId: string
  readonly number: string
  readonly status: FlowStatus
  readonly awaited: string
  readonly begunAt: string | null
  readonly lastAt: string
  readonly dueAt: string | null
  readonly idleSeconds: string
  readonly overdueSeconds: string
}

function toFlow({
  flow,
  correlationId,
  number,
  status,
  awaited,
  begunAt,
  lastAt,
  dueAt,
  idleSeconds,
  overdueSeconds,
}: StoredFlow): FlowRow {
  return {
    ...{ flow, correlationId, number: BigInt(number), status, begunAt, lastAt, dueAt },
    ...{ awaited: JSON.parse(awaited), idleSeconds: Number(idleSeconds), overdueSeconds: Number(overdueSeconds) },
  }
}
