import type { Sql } from 'estafet/postgres'

export interface OrderRow {
  readonly id: string
  readonly customer_id: string | null
  readonly country: string | null
  readonly status: string
  readonly items: number
  readonly total_amount: string
  readonly created_at: string
  readonly position: string
}

export interface ListOptions {
  readonly after: string
  readonly limit: number
  readonly status: string | null
}

const iso = (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/** Orders in the order in which they came. */
export async function orderRows(sql: Sql, { after, limit, status }: ListOptions): Promise<readonly OrderRow[]> {
  const { rows } = await sql.query<OrderRow>(
    `SELECT id, customer_id, country, status, items, total_amount::text, ${iso('created_at')} AS created_at,
      position::text
    FROM order_list WHERE position > $1::bigint AND ($2::text IS NULL OR status = $2)
    ORDER BY order_list.position LIMIT $3`,
    [after, status, limit],
  )
  return rows
}

export interface StatisticsRow {
  readonly total_orders: number
  readonly confirmed_orders: number
  readonly total_revenue: string
}

export async function statisticsRow(sql: Sql): Promise<StatisticsRow> {
  const { rows } = await sql.query<StatisticsRow>(
    `SELECT total_orders::float8, confirmed_orders::float8, total_revenue::text FROM order_statistics`,
  )
  return rows[0] ?? { total_orders: 0, confirmed_orders: 0, total_revenue: '0' }
}

export interface SalesRow {
  readonly day: string
  readonly country: string | null
  readonly orders: number
  readonly revenue: string
}

/** Sales of some days, those days included. */
export async function salesRows(sql: Sql, from: string | null, to: string | null): Promise<readonly SalesRow[]> {
  const { rows } = await sql.query<SalesRow>(
    `SELECT day::text, country, orders::float8, revenue::text FROM sales
    WHERE ($1::date IS NULL OR day >= $1::date) AND ($2::date IS NULL OR day <= $2::date)
    ORDER BY sales.day, country NULLS LAST LIMIT 1000`,
    [from, to],
  )
  return rows
}

export interface DetailsRow {
  readonly id: string
  readonly status: string
  readonly total_amount: string
  readonly customer: { readonly id: string; readonly name: string | null; readonly email: string | null } | null
  readonly items: readonly {
    readonly product_id: string
    readonly product_name: string | null
    readonly quantity: number
    readonly price: string
  }[]
}

/** An order with who bought and what; null when there is none. */
export async function detailsRow(sql: Sql, id: string): Promise<DetailsRow | null> {
  const { rows } = await sql.query<DetailsRow>(
    `SELECT id, status, total_amount::text,
      CASE WHEN customer_id IS NOT NULL
        THEN json_build_object('id', customer_id, 'name', customer_name, 'email', customer_email) END AS customer,
      coalesce((SELECT json_agg(json_build_object('product_id', product_id, 'product_name', product_name,
        'quantity', quantity, 'price', price::text) ORDER BY line) FROM order_details_item WHERE order_id = $1),
        '[]') AS items
    FROM order_details WHERE id = $1`,
    [id],
  )
  return rows[0] ?? null
}
