import type { Sql } from 'estafet/postgres'

export type SourceTable = 'users' | 'products' | 'orders'
/** Whom an order names is moved before it. */
export const sourceTables: readonly SourceTable[] = ['users', 'products', 'orders']

/** Whether text is the id of a row that the monolith could have; others cannot be asked for there. */
export function isSourceId(text: string): boolean {
  return /^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)
}

/** A page of a table by id, the first one after null; or some of its rows. */
export type Which =
  | { readonly after: string | null; readonly upTo: string | null; readonly limit: number }
  | { readonly ids: readonly string[] }

export interface UserRow {
  readonly id: string
  readonly email: string | null
  readonly password_hash: string | null
  readonly name: string | null
  readonly address: string | null
  readonly reasons: readonly string[]
}

export interface ProductRow {
  readonly id: string
  readonly name: string | null
  readonly description: string | null
  readonly price: string | null
  readonly stock_quantity: number | null
  readonly reasons: readonly string[]
  readonly stock_reasons: readonly string[]
}

export interface OrderRow {
  readonly id: string
  readonly user_id: string | null
  readonly status: string | null
  /** As it is to be: what its items add up to, where nobody has added them up yet. */
  readonly total_amount: string
  readonly created_at: string | null
  readonly items: readonly {
    readonly item_id: string
    readonly product_id: string | null
    readonly quantity: number | null
    readonly price: string | null
  }[]
  readonly items_total: string
  readonly reasons: readonly string[]
  readonly notes: readonly string[]
}

// A reason is null where it does not apply. Decimals are compared here, as decimals.

export async function userRows(sql: Sql, which: Which): Promise<readonly UserRow[]> {
  return rowsOf<UserRow>(
    sql,
    'users',
    which,
    (rows) =>
      `SELECT u.id::text, u.email, u.password_hash, u.name, u.address, array_remove(ARRAY[
      CASE WHEN coalesce(btrim(u.email), '') = '' THEN 'it has no email' END,
      'its email is that of user ' || (SELECT min(o.id) FROM users AS o
        WHERE lower(o.email) = lower(u.email) AND o.id < u.id) || ', but for case'
    ], NULL) AS reasons
    FROM (${rows}) AS u ORDER BY u.id`,
  )
}

export async function productRows(sql: Sql, which: Which): Promise<readonly ProductRow[]> {
  return rowsOf<ProductRow>(
    sql,
    'products',
    which,
    (rows) =>
      `SELECT p.id::text, p.name, p.description, p.price::text, p.stock_quantity, array_remove(ARRAY[
      CASE WHEN coalesce(btrim(p.name), '') = '' THEN 'it has no name' END,
      CASE WHEN p.price < 0 OR p.price = 'NaN' THEN 'its price is ' || p.price END
    ], NULL) AS reasons, array_remove(ARRAY[
      CASE WHEN p.stock_quantity IS NULL THEN 'nobody knows its stock_quantity' END,
      CASE WHEN p.stock_quantity < 0 THEN 'its stock_quantity is ' || p.stock_quantity END
    ], NULL) AS stock_reasons
    FROM (${rows}) AS p ORDER BY p.id`,
  )
}

export async function orderRows(sql: Sql, which: Which): Promise<readonly OrderRow[]> {
  return rowsOf<OrderRow>(
    sql,
    'orders',
    which,
    (rows) =>
      `SELECT o.id::text, o.user_id::text, upper(o.status) AS status,
      coalesce(nullif(o.total_amount, 'NaN'), i.total)::text AS total_amount, i.total::text AS items_total, i.items,
      coalesce(i.notes, '{}') AS notes,
      CASE WHEN isfinite(o.created_at)
        THEN to_char(o.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END AS created_at,
      i.reasons || array_remove(ARRAY[
        CASE WHEN o.status IS NULL OR upper(o.status) NOT IN ('CREATED', 'CONFIRMED')
          THEN 'its status is ' || coalesce(o.status, 'missing') END,
        CASE WHEN o.created_at IS NULL OR NOT isfinite(o.created_at) THEN 'it has no created_at' END,
        CASE WHEN isfinite(o.created_at) AND extract(year FROM o.created_at AT TIME ZONE 'UTC') NOT BETWEEN 1 AND 9999
          THEN 'its created_at is ' || to_char(o.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD BC')
            || ', and only the years 1 to 9999 can be moved' END,
        CASE WHEN upper(o.status) = 'CONFIRMED' AND i.n = 0 THEN 'it is confirmed and has no items' END,
        CASE WHEN upper(o.status) = 'CONFIRMED' AND o.total_amount IS NULL
          THEN 'it is confirmed and has no total_amount' END,
        CASE WHEN o.total_amount <> i.total
          THEN 'its total_amount is ' || o.total_amount || ', and its items add up to ' || i.total END
      ], NULL) AS reasons
    FROM (${rows}) AS o CROSS JOIN LATERAL (
      SELECT count(*) AS n, coalesce(sum(nullif(each.quantity * each.price, 'NaN')), 0) AS total,
        coalesce(json_agg(json_build_object('item_id', each.id::text, 'product_id', each.product_id::text,
          'quantity', each.quantity, 'price', each.price::text) ORDER BY each.id), '[]') AS items,
        array_remove(array_agg(CASE
          WHEN each.product_id IS NULL THEN 'item ' || each.id || ' names no product'
          WHEN coalesce(each.quantity, 0) <= 0 THEN 'item ' || each.id || ' has the quantity '
            || coalesce(each.quantity::text, 'NULL')
          WHEN each.price IS NULL OR each.price < 0 OR each.price = 'NaN'
            THEN 'item ' || each.id || ' has the price ' || coalesce(each.price::text, 'NULL') END ORDER BY each.id),
          NULL) AS reasons,
        array_remove(array_agg(CASE WHEN p.id IS NULL AND each.product_id IS NOT NULL
          THEN 'item ' || each.id || ' names product ' || each.product_id || ', which there is not' END
          ORDER BY each.id), NULL) AS notes
      FROM order_items AS each LEFT JOIN products AS p ON p.id = each.product_id WHERE each.order_id = o.id
    ) AS i ORDER BY o.id`,
  )
}

async function rowsOf<Row extends object>(
  sql: Sql,
  table: SourceTable,
  which: Which,
  text: (rows: string) => string,
): Promise<readonly Row[]> {
  const [part, values] =
    'ids' in which
      ? [`SELECT * FROM ${table} WHERE id = ANY ($1::bigint[])`, [which.ids]]
      : [
          `SELECT * FROM ${table} WHERE ($1::bigint IS NULL OR id > $1::bigint) AND id <= coalesce($2::bigint, id) ORDER BY id LIMIT $3`,
          [which.after, which.upTo, which.limit],
        ]
  return (await sql.query<Row>(text(part), values)).rows
}
