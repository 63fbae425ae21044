import { projection } from 'estafet'
import { project, type Sql } from 'estafet/postgres'
import { ItemPut } from './cart.ts'

/** How many items each cart has: a read model for people to steer. */
export const Carts = projection<Sql>('carts', {
  ...{ version: 1, tables: ['cart_size'], streams: ['cart'] },
  setUp: (tx, table) => tx.query(`CREATE TABLE ${table('cart_size')} (id text PRIMARY KEY, items int NOT NULL)`),
  handlers: [
    project(ItemPut, ({ key }, { tx, table }) =>
      tx.query(
        `INSERT INTO ${table('cart_size')} AS c VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET items = c.items + 1`,
        [key],
      ),
    ),
  ],
})
