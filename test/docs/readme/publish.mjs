import { migrate, publish } from 'estafet/postgres'
import pg from 'pg'
import { OrderPlaced } from './shop.mjs'

const client = new pg.Client(process.env.DATABASE_URL)
await client.connect()
await migrate(client)
await client.query('CREATE TABLE IF NOT EXISTS orders (id text PRIMARY KEY, total numeric)')
await client.query('BEGIN')
await client.query('INSERT INTO orders VALUES ($1, $2)', ['A-1', '130.00'])
await publish(client, OrderPlaced({ orderId: 'A-1', total: '130.00' }))
await client.query('COMMIT')
await client.end()
