import type { Sql } from 'estafet/postgres'
import type { Target } from './part.ts'

const texts: Readonly<Record<Target, string>> = {
  users: 'SELECT ARRAY[count(*)::text] AS totals FROM users',
  products: `SELECT ARRAY[count(*)::text, coalesce(sum(nullif(price, 'NaN')), 0)::text] AS totals FROM products`,
  stock: 'SELECT ARRAY[count(*)::text, coalesce(sum(stock_quantity), 0)::text] AS totals FROM products',
  // What its items add up to, where nobody has added them up yet.
  orders: `WITH item AS (SELECT order_id, count(*) AS n, coalesce(sum(nullif(quantity * price, 'NaN')), 0) AS total
      FROM order_items GROUP BY order_id)
    SELECT ARRAY[count(*)::text, coalesce(sum(coalesce(nullif(o.total_amount, 'NaN'), i.total, 0)), 0)::text,
      coalesce(sum(i.n), 0)::text, coalesce(sum(i.total), 0)::text] AS totals
    FROM orders AS o LEFT JOIN item AS i ON i.order_id = o.id`,
}

/** The number of all rows of the monolith, moved or not, and what is added up of them; added up there. */
export async function sourceTotals(sql: Sql, target: Target): Promise<readonly string[]> {
  const { rows } = await sql.query<{ totals: readonly string[] }>(texts[target])
  return rows[0]?.totals ?? []
}
