import { projection } from 'estafet'
import { project, type Sql } from 'estafet/postgres'
import { ItemAdded, OrderConfirmed } from '../docs/event-sourcing/order.ts'

/** Orders as a list: one row each, with how many items it has and whether it is open. */
export const orderSummary = projection<Sql>('order-summary', {
  version: 1,
  tables: ['order_summary'],
  streams: ['order'],
  async setUp(tx, table) {
    await tx.query(
      `CREATE TABLE ${table('order_summary')} (id text PRIMARY KEY, items int NOT NULL, is_open boolean NOT NULL)`,
    )
  },
  handlers: [
    project(ItemAdded, async ({ key }, { tx, table }) => {
      await tx.query(
        `INSERT INTO ${table('order_summary')} AS o VALUES ($1, 1, true)
          ON CONFLICT (id) DO UPDATE SET items = o.items + 1`,
        [key],
      )
    }),
    project(OrderConfirmed, async ({ key }, { tx, table }) => {
      await tx.query(`UPDATE ${table('order_summary')} SET is_open = false WHERE id = $1`, [key])
    }),
  ],
})
