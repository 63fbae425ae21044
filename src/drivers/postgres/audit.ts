import type { Audit, AuditEntry } from '../../ports/audit.ts'
import { instant } from './instant.ts'
import { run } from './run.ts'
import { pageOf, pageValues } from './selection.ts'
import type { Sql } from './sql.ts'

/** The audit of migration 0005: the service's role can add to it and read it, and nothing else. */
export function postgresAudit(sql: Sql): Audit<Sql> {
  return {
    async record(tx, { who, action, subscription, selection, count, reason }) {
      await run(tx, {
        name: 'estafet-audit-record',
        text: `INSERT INTO estafet.audit (who, action, subscription, selection, count, reason)
          VALUES ($1, $2, $3, $4::json, $5::bigint, $6)`,
        values: [who, action, subscription, selection, count, reason],
      })
    },

    async list(subscription, page) {
      const rows = await run<AuditRow>(sql, {
        name: 'estafet-audit-list',
        text: `SELECT a.number::text AS number, ${instant('a.at')} AS at, a.who, a.action, a.subscription,
            a.selection::text AS selection, a.count::text AS count, a.reason, a.details::text AS details
          FROM estafet.audit AS a WHERE a.subscription = $1 AND ($2::bigint IS NULL OR a.number < $2::bigint)
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
