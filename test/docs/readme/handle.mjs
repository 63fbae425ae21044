import { service, start } from 'estafet'
import { on, postgres, postgresLog } from 'estafet/postgres'
import pg from 'pg'
import { OrderPlaced } from './shop.mjs'

const billing = service('billing', {
  handlers: [
    on(OrderPlaced, async (order, { tx }) => {
      await tx.query('INSERT INTO invoices VALUES ($1, $2)', [order.data.orderId, order.data.total])
    }),
  ],
})

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, pipeline: true })
await pool.query('CREATE TABLE IF NOT EXISTS invoices (order_id text, total numeric)')
await start(billing, { store: postgres(pool), sources: [postgresLog(pool, { source: 'shop' })] })
