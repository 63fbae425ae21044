import { rejected, type Service, service } from 'estafet'
import { on, type Sql } from 'estafet/postgres'
import { ProductGone, ProductSaved } from '../monolith/messages.ts'
import { ProductChanged, ProductRemoved } from './messages.ts'

/** Keeps products as the monolith has them, as long as nobody changed them here. */
export const catalogFollowing: Service<Sql> = service<Sql>('catalog', {
  publishes: [ProductChanged, ProductRemoved],
  handlers: [
    on(ProductSaved, async ({ data }, { tx, publish }) => {
      const { id, name, description, price } = data
      const { rowCount } = await tx.query(
        `INSERT INTO products (id, name, description, price, owner) VALUES ($1, $2, $3, $4, 'monolith')
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
          price = excluded.price WHERE products.owner = 'monolith'`,
        [id, name, description, price],
      )
      if (rowCount === 0) throw rejected('the product was changed in this service')
      publish(ProductChanged({ id, name, price }))
    }),
    on(ProductGone, async ({ data: { id } }, { tx, publish }) => {
      const { rowCount } = await tx.query(`DELETE FROM products WHERE id = $1 AND owner = 'monolith'`, [id])
      if (rowCount === 1) publish(ProductRemoved({ id }))
    }),
  ],
})
