import { projection } from 'estafet'
import { project, type Sql } from 'estafet/postgres'
import { OrderConfirmed, OrderCreated, OrderTakenOver, OrderWithdrawn } from '../events.ts'

/** What an order sold; null for one that sold nothing, or nothing any more. */
interface Sale {
  /** ISO 8601; the day is that in UTC. */
  readonly at: string
  readonly amount: string
}

/**
 * An aggregate: confirmed sales by day and country. An order whose country nobody knows counts in a row without one, so that the
 * rows add up to all there is.
 */
export const sales = projection<Sql>('sales', {
  ...{ version: 1, tables: ['sales', 'sale'], streams: ['order'] },
  async setUp(tx, table) {
    await tx.query(`CREATE TABLE ${table('sale')} (id text PRIMARY KEY, country text, day date, amount numeric)`)
    await tx.query(`CREATE TABLE ${table('sales')} (day date NOT NULL, country text, orders bigint NOT NULL,
      revenue numeric NOT NULL, UNIQUE NULLS NOT DISTINCT (day, country))`)
  },
  handlers: [
    project(OrderCreated, ({ key, data }, { tx, table }) =>
      tx.query(`INSERT INTO ${table('sale')} (id, country) VALUES ($1, $2)`, [key, data.country]),
    ),
    project(OrderConfirmed, ({ key, data, time }, context) =>
      sell(key, { at: time, amount: data.total_amount }, context),
    ),
    project(OrderTakenOver, ({ key, data }, context) => {
      const sale = { at: data.created_at, amount: data.total_amount }
      return sell(key, data.status === 'CONFIRMED' ? sale : null, context)
    }),
    project(OrderWithdrawn, ({ key }, context) => sell(key, null, context)),
  ],
})

type Context = Parameters<Parameters<typeof project>[1]>[1]

async function sell(id: string, sale: Sale | null, { tx, table }: Context): Promise<void> {
  const [all, each] = [table('sales'), table('sale')]
  await tx.query(
    `UPDATE ${all} AS s SET orders = s.orders - 1, revenue = s.revenue - e.amount FROM ${each} AS e
    WHERE e.id = $1 AND s.day = e.day AND s.country IS NOT DISTINCT FROM e.country`,
    [id],
  )
  await tx.query(
    `INSERT INTO ${each} AS e (id, day, amount) VALUES ($1, ($2::timestamptz AT TIME ZONE 'UTC')::date, $3::numeric)
    ON CONFLICT (id) DO UPDATE SET day = excluded.day, amount = excluded.amount`,
    [id, sale?.at ?? null, sale?.amount ?? null],
  )
  await tx.query(
    `INSERT INTO ${all} AS s SELECT e.day, e.country, 1, e.amount FROM ${each} AS e WHERE e.id = $1 AND e.day IS NOT NULL
    ON CONFLICT (day, country) DO UPDATE SET orders = s.orders + 1, revenue = s.revenue + excluded.revenue`,
    [id],
  )
  await tx.query(`DELETE FROM ${all} WHERE orders = 0`)
}
