import { type Service, service } from 'estafet'
import { on, type Sql } from 'estafet/postgres'
import { StockCounted, StockGone } from '../monolith/messages.ts'

interface Movement {
  readonly product: string
  /** Null: the product is not counted here any more. */
  readonly level: number | null
  readonly messageId: string
  readonly at: string
}

/** Brings stock to the level that the monolith counts, and writes down by how much that changed it. */
export const inventoryFollowing: Service<Sql> = service<Sql>('inventory', {
  handlers: [
    on(StockCounted, ({ id: messageId, time: at, data: { id: product, quantity: level } }, { tx }) =>
      move(tx, { product, level, messageId, at }),
    ),
    on(StockGone, ({ id: messageId, time: at, data: { id: product } }, { tx }) =>
      move(tx, { product, level: null, messageId, at }),
    ),
  ],
})

async function move(tx: Sql, { product, level, messageId, at }: Movement): Promise<void> {
  const { rows } = await tx.query<{ level: number }>('SELECT level FROM stock WHERE product_id = $1 FOR UPDATE', [
    product,
  ])
  const known = rows[0]?.level ?? null
  if (known === level) return
  const reason = known === null ? 'opening' : level === null ? 'withdrawn' : 'correction'
  await tx.query(
    'INSERT INTO stock_movement (product_id, quantity, reason, message_id, at) VALUES ($1, $2, $3, $4, $5)',
    [product, (level ?? 0) - (known ?? 0), reason, messageId, at],
  )
  if (level === null) await tx.query('DELETE FROM stock WHERE product_id = $1', [product])
  else {
    await tx.query('INSERT INTO stock VALUES ($1, $2) ON CONFLICT (product_id) DO UPDATE SET level = excluded.level', [
      product,
      level,
    ])
  }
}
