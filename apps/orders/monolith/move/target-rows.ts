import type { PostgresStreams, Sql } from 'estafet/postgres'
import { Order, type OrderState } from '../../orders/order.ts'
import type { Target } from './part.ts'

/** Ways into the services' databases, each as that service. */
export interface TargetDatabases {
  readonly users: Sql
  readonly catalog: Sql
  readonly inventory: Sql
  readonly orders: Sql
  readonly streams: PostgresStreams
}

/** How targets have something, in the form of the message that asked for it; and what is wrong with it by itself. */
export interface TargetRow {
  readonly data: unknown
  readonly faults: readonly string[]
}

/** How a target has some rows; those that it has not are left out. */
export function targetRows(
  databases: TargetDatabases,
  target: Target,
  ids: readonly string[],
): Promise<ReadonlyMap<string, TargetRow>> {
  if (target === 'users') return ownedRows(databases.users, 'users', 'email, password_hash, name, address', ids)
  if (target === 'products') return ownedRows(databases.catalog, 'products', 'name, description, price::text', ids)
  return target === 'stock' ? stockRows(databases.inventory, ids) : orderRows(databases, ids)
}

/** Ids that a target has from the monolith, after one, by the order of text. */
export async function targetIds(databases: TargetDatabases, target: Target, after: string, limit: number) {
  const [sql, text] = {
    users: [databases.users, `SELECT id FROM users WHERE owner = 'monolith'`] as const,
    products: [databases.catalog, `SELECT id FROM products WHERE owner = 'monolith'`] as const,
    stock: [databases.inventory, 'SELECT product_id AS id FROM stock'] as const,
    orders: [databases.orders, `SELECT aggregate_id AS id FROM (${newestTaken('')}) AS t WHERE ${isThere}`] as const,
  }[target]
  const page = `SELECT id FROM (${text}) AS t WHERE id COLLATE "C" > $1 ORDER BY id COLLATE "C" LIMIT $2`
  return (await sql.query<{ id: string }>(page, [after, limit])).rows.map(({ id }) => id)
}

/** The number of rows that a target has from the monolith, and what is added up of them; added up there. */
export async function targetTotals(databases: TargetDatabases, target: Target): Promise<readonly string[]> {
  const [sql, text] = {
    users: [databases.users, `SELECT ARRAY[count(*)::text] AS totals FROM users WHERE owner = 'monolith'`] as const,
    products: [
      databases.catalog,
      `SELECT ARRAY[count(*)::text, coalesce(sum(price), 0)::text] AS totals FROM products WHERE owner = 'monolith'`,
    ] as const,
    stock: [
      databases.inventory,
      `SELECT ARRAY[count(*)::text, coalesce(sum(level), 0)::text] AS totals FROM stock`,
    ] as const,
    orders: [databases.orders, orderTotalsText] as const,
  }[target]
  const { rows } = await sql.query<{ totals: readonly string[] }>(text)
  return rows[0]?.totals ?? []
}

/** The newest word about each order that was taken over. */
const newestTaken = (where: string): string => `SELECT DISTINCT ON (aggregate_id) aggregate_id, event_type, event_data
  FROM estafet.event_store WHERE aggregate_type = 'order' AND event_type IN ('OrderTakenOver', 'OrderWithdrawn') ${where}
  ORDER BY aggregate_id, event_version DESC`
const isThere = `event_type = 'OrderTakenOver'`
const orderTotalsText = `SELECT ARRAY[count(*)::text, coalesce(sum((t.event_data ->> 'total_amount')::numeric), 0)::text,
    coalesce(sum(i.n), 0)::text, coalesce(sum(i.total), 0)::text] AS totals
  FROM (${newestTaken('')}) AS t CROSS JOIN LATERAL (
    SELECT count(*) AS n, sum((item ->> 'quantity')::numeric * (item ->> 'price')::numeric) AS total
    FROM json_array_elements(t.event_data -> 'items') AS item) AS i WHERE t.${isThere}`

async function ownedRows(
  sql: Sql,
  table: 'users' | 'products',
  columns: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, TargetRow>> {
  const { rows } = await sql.query<{ id: string; owner: string }>(
    `SELECT id, ${columns}, owner FROM ${table} WHERE id = ANY ($1::text[])`,
    [ids],
  )
  return new Map(
    rows.map(({ owner, ...data }) => [
      data.id,
      { data, faults: owner === 'monolith' ? [] : ['it was changed in its service'] },
    ]),
  )
}

async function stockRows(sql: Sql, ids: readonly string[]): Promise<ReadonlyMap<string, TargetRow>> {
  const { rows } = await sql.query<{ id: string; quantity: number; moved: string }>(
    `SELECT s.product_id AS id, s.level AS quantity, coalesce(sum(m.quantity), 0)::text AS moved
    FROM stock AS s LEFT JOIN stock_movement AS m USING (product_id)
    WHERE s.product_id = ANY ($1::text[]) GROUP BY s.product_id, s.level`,
    [ids],
  )
  return new Map(
    rows.map(({ id, quantity, moved }) => {
      const faults =
        moved === String(quantity) ? [] : [`its level is ${quantity}, and its movements add up to ${moved}`]
      return [id, { data: { id, quantity }, faults }]
    }),
  )
}

/** Orders are looked at twice: what was taken over, and what the service makes of the whole stream. */
async function orderRows(
  { orders, streams }: TargetDatabases,
  ids: readonly string[],
): Promise<ReadonlyMap<string, TargetRow>> {
  const { rows } = await orders.query<{ aggregate_id: string; event_data: object }>(
    `SELECT aggregate_id, event_data FROM (${newestTaken('AND aggregate_id = ANY ($1::text[])')}) AS t WHERE ${isThere}`,
    [ids],
  )
  const found = await Promise.all(
    rows.map(async ({ aggregate_id: id, event_data }) => {
      const { state } = await streams.load(Order, id)
      const faults = state.owner === 'monolith' ? [] : ['it was changed in its service']
      return [id, { data: { id, ...event_data, ...folded(state, event_data) }, faults }] as const
    }),
  )
  return new Map(found)
}

/** What the folded state says itself of what the event said; items have no ids in it. */
function folded({ status, customer_id, total_amount, items }: OrderState, event: object): object {
  const said = 'items' in event && Array.isArray(event.items) ? event.items : []
  const withIds = items.map((item, at) => {
    const before: unknown = said[at]
    const item_id = typeof before === 'object' && before !== null && 'item_id' in before ? before.item_id : null
    return { item_id, ...item }
  })
  return { status, customer_id, total_amount, items: withIds }
}
