import { projection, type TableNames } from 'estafet'
import { project, type Sql } from 'estafet/postgres'
import { ProductChanged, ProductRemoved } from '../../catalog/messages.ts'
import { UserChanged, UserRemoved } from '../../users/messages.ts'
import { ItemAdded, OrderConfirmed, OrderCreated, OrderTakenOver, OrderWithdrawn } from '../events.ts'
import type { Item } from '../order.ts'

/**
 * A denormalised join: orders with who bought and what, from this service's events and the messages of two others. Details follow their
 * source, also those of old orders; what an order cost is its own.
 */
export const orderDetails = projection<Sql>('order-details', {
  ...{ version: 1, tables: ['order_details', 'order_details_item', 'known_customer', 'known_product'] },
  streams: ['order'],
  async setUp(tx, table) {
    await tx.query(`CREATE TABLE ${table('known_customer')} (id text PRIMARY KEY, name text, email text)`)
    await tx.query(`CREATE TABLE ${table('known_product')} (id text PRIMARY KEY, name text)`)
    await tx.query(`CREATE TABLE ${table('order_details')} (id text PRIMARY KEY, status text NOT NULL,
      total_amount numeric NOT NULL, customer_id text, customer_name text, customer_email text)`)
    await tx.query(`CREATE INDEX ON ${table('order_details')} (customer_id)`)
    await tx.query(`CREATE TABLE ${table('order_details_item')} (order_id text NOT NULL, line int NOT NULL,
      product_id text NOT NULL, product_name text, quantity int NOT NULL, price numeric NOT NULL,
      PRIMARY KEY (order_id, line))`)
    await tx.query(`CREATE INDEX ON ${table('order_details_item')} (product_id)`)
  },
  handlers: [
    project(OrderCreated, ({ key, data }, { tx, table }) =>
      save(tx, table, { id: key, customer_id: data.customer_id, status: 'CREATED', total_amount: '0' }),
    ),
    project(ItemAdded, async ({ key, data }, { tx, table }) => {
      await addItem(tx, table, key, data)
      const raise = `UPDATE ${table('order_details')} SET total_amount = total_amount + $2::int * $3::numeric WHERE id = $1`
      await tx.query(raise, [key, data.quantity, data.price])
    }),
    project(OrderConfirmed, ({ key }, { tx, table }) =>
      tx.query(`UPDATE ${table('order_details')} SET status = 'CONFIRMED' WHERE id = $1`, [key]),
    ),
    project(OrderTakenOver, async ({ key, data }, { tx, table }) => {
      await save(tx, table, { ...data, id: key })
      for (const item of data.items) await addItem(tx, table, key, item)
    }),
    project(OrderWithdrawn, ({ key }, { tx, table }) => remove(tx, table, key)),
    project(UserChanged, ({ data }, { tx, table }) => knowCustomer(tx, table, data)),
    project(UserRemoved, ({ data }, { tx, table }) => knowCustomer(tx, table, { ...data, name: null, email: null })),
    project(ProductChanged, ({ data }, { tx, table }) => knowProduct(tx, table, data)),
    project(ProductRemoved, ({ data }, { tx, table }) => knowProduct(tx, table, { ...data, name: null })),
  ],
})

interface Head {
  readonly id: string
  readonly customer_id: string | null
  readonly status: string
  readonly total_amount: string
}

/** The feeds have no order between them and are folded side by side: both sides lock the customer's row before they look. */
async function save(tx: Sql, table: TableNames, { id, customer_id, status, total_amount }: Head): Promise<void> {
  await remove(tx, table, id)
  if (customer_id !== null) {
    await tx.query(
      `INSERT INTO ${table('known_customer')} VALUES ($1) ON CONFLICT (id) DO UPDATE SET id = excluded.id`,
      [customer_id],
    )
  }
  await tx.query(
    `INSERT INTO ${table('order_details')} SELECT $1, $2, $3::numeric, $4, c.name, c.email
    FROM (VALUES (true)) AS always LEFT JOIN ${table('known_customer')} AS c ON c.id = $4`,
    [id, status, total_amount, customer_id],
  )
}

async function addItem(tx: Sql, table: TableNames, order: string, { product_id, quantity, price }: Item) {
  await tx.query(`INSERT INTO ${table('known_product')} VALUES ($1) ON CONFLICT (id) DO UPDATE SET id = excluded.id`, [
    product_id,
  ])
  const items = table('order_details_item')
  await tx.query(
    `INSERT INTO ${items} SELECT $1, (SELECT count(*) + 1 FROM ${items} WHERE order_id = $1), id, name, $3, $4::numeric
    FROM ${table('known_product')} WHERE id = $2`,
    [order, product_id, quantity, price],
  )
}

async function remove(tx: Sql, table: TableNames, id: string): Promise<void> {
  await tx.query(`DELETE FROM ${table('order_details_item')} WHERE order_id = $1`, [id])
  await tx.query(`DELETE FROM ${table('order_details')} WHERE id = $1`, [id])
}

interface Customer {
  readonly id: string
  readonly name: string | null
  readonly email: string | null
}

async function knowCustomer(tx: Sql, table: TableNames, { id, name, email }: Customer): Promise<void> {
  await tx.query(
    `INSERT INTO ${table('known_customer')} VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email`,
    [id, name, email],
  )
  const tell = `UPDATE ${table('order_details')} SET customer_name = $2, customer_email = $3 WHERE customer_id = $1`
  await tx.query(tell, [id, name, email])
}

async function knowProduct(tx: Sql, table: TableNames, { id, name }: Omit<Customer, 'email'>): Promise<void> {
  await tx.query(
    `INSERT INTO ${table('known_product')} VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = excluded.name`,
    [id, name],
  )
  await tx.query(`UPDATE ${table('order_details_item')} SET product_name = $2 WHERE product_id = $1`, [id, name])
}
