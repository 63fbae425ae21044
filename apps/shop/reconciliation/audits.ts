import type { Sql } from 'estafet/postgres'
import type { ServiceName } from '../system/services.ts'

/** A rule of one service's own data. */
export interface Audit {
  readonly says: string
  /** How many things break it. */
  readonly wrong: number
}

const rules: readonly { readonly service: ServiceName; readonly says: string; readonly wrong: string }[] = [
  {
    service: 'orders',
    says: 'every document is completed: its stock moved, its payment entered',
    wrong: 'SELECT count(*)::int AS n FROM document WHERE stock_moved_at IS NULL OR paid_at IS NULL',
  },
  {
    service: 'inventory',
    says: 'every stock level is the sum of its movements',
    wrong: `SELECT count(*)::int AS n FROM stock_level l
      FULL JOIN (SELECT stock_code, sum(units) AS units FROM movement GROUP BY stock_code) m USING (stock_code)
      WHERE l.units IS DISTINCT FROM m.units`,
  },
  {
    service: 'inventory',
    says: 'no line of an invoice moved stock twice',
    wrong: `SELECT count(*)::int AS n FROM (SELECT FROM movement GROUP BY invoice_no, place HAVING count(*) > 1) AS twice`,
  },
  {
    service: 'notifications',
    says: 'nobody was told the same thing twice',
    wrong: `SELECT count(*)::int AS n FROM (SELECT FROM notification GROUP BY event_id HAVING count(*) > 1) AS twice`,
  },
]

/** Asks every service's database whether it keeps its own rules. */
export async function audits(client: (service: ServiceName) => Sql): Promise<readonly Audit[]> {
  const found: Audit[] = []
  for (const { service, says, wrong } of rules) {
    const { rows } = await client(service).query<{ n: number }>(wrong)
    found.push({ says: `${service}: ${says}`, wrong: rows[0]?.n ?? 0 })
  }
  return found
}
