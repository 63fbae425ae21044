import type { MessageContext } from 'estafet'
import type { PostgresStore } from 'estafet/postgres'
import { ProductChanged } from './messages.ts'

export interface Product {
  readonly id: string
  readonly name: string
  readonly description: string | null
  /** Decimal; null for one that is not sold any more. */
  readonly price: string | null
}

/** Stores a product and publishes it, in one transaction. */
export function saveProduct(
  store: PostgresStore,
  { id, name, description, price }: Product,
  context: MessageContext,
): Promise<void> {
  return store.transaction(async (tx, publish) => {
    await tx.query(
      `INSERT INTO products (id, name, description, price, owner) VALUES ($1, $2, $3, $4, 'catalog')
      ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, price = excluded.price,
        owner = 'catalog'`,
      [id, name, description, price],
    )
    publish(ProductChanged({ id, name, price }, context))
  })
}
