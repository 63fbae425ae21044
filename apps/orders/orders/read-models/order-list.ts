import { projection } from 'estafet'
import { project, type Sql } from 'estafet/postgres'
import { ItemAdded, OrderConfirmed, OrderCreated, OrderTakenOver, OrderWithdrawn } from '../events.ts'

/** A simple view: one row for each order. */
export const orderList = projection<Sql>('order-list', {
  ...{ version: 1, tables: ['order_list'], streams: ['order'] },
  setUp: (tx, table) =>
    tx.query(`CREATE TABLE ${table('order_list')} (
      id text PRIMARY KEY,
      customer_id text,
      country text,
      status text NOT NULL,
      items int NOT NULL,
      total_amount numeric NOT NULL,
      created_at timestamptz NOT NULL,
      -- Of its first event: the order of the list, which no two orders share.
      position bigint NOT NULL UNIQUE
    )`),
  handlers: [
    project(OrderCreated, ({ key, data, time, position }, { tx, table }) =>
      tx.query(`INSERT INTO ${table('order_list')} VALUES ($1, $2, $3, 'CREATED', 0, 0, $4, $5)`, [
        ...[key, data.customer_id, data.country, time, position],
      ]),
    ),
    project(ItemAdded, ({ key, data }, { tx, table }) =>
      tx.query(
        `UPDATE ${table('order_list')} SET items = items + 1, total_amount = total_amount + $2::int * $3::numeric
        WHERE id = $1`,
        [key, data.quantity, data.price],
      ),
    ),
    project(OrderConfirmed, ({ key, data }, { tx, table }) =>
      tx.query(`UPDATE ${table('order_list')} SET status = 'CONFIRMED', total_amount = $2 WHERE id = $1`, [
        ...[key, data.total_amount],
      ]),
    ),
    project(OrderTakenOver, ({ key, data, position }, { tx, table }) =>
      tx.query(
        `INSERT INTO ${table('order_list')} VALUES ($1, $2, NULL, $3, $4, $5, $6, $7)
        ON CONFLICT (id) DO UPDATE SET customer_id = excluded.customer_id, status = excluded.status,
          items = excluded.items, total_amount = excluded.total_amount, created_at = excluded.created_at`,
        [key, data.customer_id, data.status, data.items.length, data.total_amount, data.created_at, position],
      ),
    ),
    project(OrderWithdrawn, ({ key }, { tx, table }) =>
      tx.query(`DELETE FROM ${table('order_list')} WHERE id = $1`, [key]),
    ),
  ],
})
