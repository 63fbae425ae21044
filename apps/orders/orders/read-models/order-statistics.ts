import { projection } from 'estafet'
import { project, type Sql } from 'estafet/postgres'
import { OrderConfirmed, OrderCreated, OrderTakenOver, OrderWithdrawn } from '../events.ts'

/** What an order adds to the totals. */
interface Share {
  readonly orders: 0 | 1
  readonly confirmed: 0 | 1
  /** Decimal. */
  readonly revenue: string
}

/**
 * An aggregate: how many orders there are, and what the confirmed ones come to. What each order added is kept beside it, because one
 * that is taken over again must count for what it is now.
 */
export const orderStatistics = projection<Sql>('order-statistics', {
  ...{ version: 1, tables: ['order_statistics', 'order_share'], streams: ['order'] },
  async setUp(tx, table) {
    await tx.query(`CREATE TABLE ${table('order_share')} (id text PRIMARY KEY,
      orders int NOT NULL, confirmed int NOT NULL, revenue numeric NOT NULL)`)
    await tx.query(`CREATE TABLE ${table('order_statistics')} (one boolean PRIMARY KEY DEFAULT true CHECK (one),
      total_orders bigint NOT NULL, confirmed_orders bigint NOT NULL, total_revenue numeric NOT NULL)`)
    await tx.query(`INSERT INTO ${table('order_statistics')} VALUES (true, 0, 0, 0)`)
  },
  handlers: [
    project(OrderCreated, ({ key }, context) => count(key, { orders: 1, confirmed: 0, revenue: '0' }, context)),
    project(OrderConfirmed, ({ key, data }, context) =>
      count(key, { orders: 1, confirmed: 1, revenue: data.total_amount }, context),
    ),
    project(OrderTakenOver, ({ key, data }, context) => {
      const isConfirmed = data.status === 'CONFIRMED'
      const revenue = isConfirmed ? data.total_amount : '0'
      return count(key, { orders: 1, confirmed: isConfirmed ? 1 : 0, revenue }, context)
    }),
    project(OrderWithdrawn, ({ key }, context) => count(key, { orders: 0, confirmed: 0, revenue: '0' }, context)),
  ],
})

type Context = Parameters<Parameters<typeof project>[1]>[1]

async function count(id: string, { orders, confirmed, revenue }: Share, { tx, table }: Context): Promise<void> {
  const share = table('order_share')
  await tx.query(
    `UPDATE ${table('order_statistics')} AS s SET total_orders = s.total_orders + $2::int - coalesce(o.orders, 0),
      confirmed_orders = s.confirmed_orders + $3::int - coalesce(o.confirmed, 0),
      total_revenue = s.total_revenue + $4::numeric - coalesce(o.revenue, 0)
    FROM (VALUES (true)) AS always LEFT JOIN ${share} AS o ON o.id = $1`,
    [id, orders, confirmed, revenue],
  )
  await tx.query(
    `INSERT INTO ${share} VALUES ($1, $2, $3, $4) ON CONFLICT (id)
    DO UPDATE SET orders = excluded.orders, confirmed = excluded.confirmed, revenue = excluded.revenue`,
    [id, orders, confirmed, revenue],
  )
}
