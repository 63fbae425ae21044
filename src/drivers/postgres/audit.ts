import type { Audit, AuditEntry, Recorded } from '../../ports/audit.ts'
import { instant } from './instant.ts'
import { run } from './run.ts'
import { pageOf, pageValues } from './selection.ts'
import type { Sql } from './sql.ts'

/** The audit of migration 0005: the service's role can add to it and read it, and nothing else. */
export function postgresAudit(sql: Sql): Audit<Sql> {
  return {
    async record(tx, { who, action, subscription, selection, count, reason }, { requestId, result }) {
      const [row] = await run<Recorded>(tx, {
        name: 'estafet-audit-record',
        text: `SELECT r.outcome, r.result FROM estafet.record_request($1, $2, $3::json, $4, $5::bigint, $6, $7, $8) AS r`,
        values: [subscription, action, selection, requestId, count, who, reason, result],
      })
      return row ?? { outcome: 'reused', result: null }
    },

    async list(subscription, page) {
      const rows = await run<AuditRow>(sql, {
        name: 'estafet-audit-list',
        text: `SELECT a.number::text AS number, ${instant('a.at')} AS at, a.who, a.action, a.subscription,
            a.selection::text AS selection, a.count::text AS count, a.reason, a.details::text AS details
          FROM estafet.audit AS a
          WHERE (a.subscription = $1 OR a.subscription LIKE 'projection:%') AND ($2::bigint IS NULL OR a.number < $2::bigint)
          ORDER BY a.number DESC LIMIT $3::int`,
        values: [subscription, ...pageValues(page)],
      })
      return pageOf(
        rows,
        page,
        ({ number }) => BigInt(number),
        (row): AuditEntry => ({ ...row, number: BigInt(row.number), count: Number(row.count) }),
      )
    },
  }
}

interface AuditRow extends Omit<AuditEntry, 'number' | 'count'> {
  readonly number: string
  readonly count: string
}
