import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { decider, event, type Projection, projection, startProjections, streamEvent, when } from 'estafet'
import {
  migrate,
  type PostgresStreams,
  postgres,
  postgresLog,
  postgresStreams,
  project,
  projections,
  type Sql,
} from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { provisionDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { ItemAdded, Order } from '../docs/event-sourcing/order.ts'
import { orderSummary } from './projection-example.ts'
import { logger, reading, until } from './projection-system.ts'

const Renamed = streamEvent('Renamed', { version: 1, schema: z.object({ name: z.string() }) })
const Customer = decider<string, string>('customer', {
  initial: '',
  decide: (name) => Renamed({ name }),
  evolve: [when(Renamed, (_: string, { name }) => name)],
})
const OrderPlaced = event('order.placed', {
  version: 1,
  schema: z.object({ order: z.string(), customer: z.string() }),
  key: ({ order }) => order,
})

/** A total: one row a product and day. The day is that of the event. */
const sales = projection<Sql>('sales', {
  ...{ version: 1, tables: ['sales'] },
  setUp: (tx, table) =>
    tx.query(`CREATE TABLE ${table('sales')} (product text, day date, quantity int, PRIMARY KEY (product, day))`),
  handlers: [
    project(ItemAdded, ({ data, time }, { tx, table }) =>
      tx.query(
        `INSERT INTO ${table('sales')} AS s VALUES ($1, $2::timestamptz AT TIME ZONE 'UTC', $3)
          ON CONFLICT (product, day) DO UPDATE SET quantity = s.quantity + excluded.quantity`,
        [data.product_id, time, data.quantity],
      ),
    ),
  ],
})

/** A join, of two kinds of streams and a public message: orders that bear the name of their customer, also a new one. */
const customerOrders: Projection<Sql> = projection<Sql>('customer-orders', {
  ...{ version: 1, tables: ['customer_order', 'customer_name'] },
  async setUp(tx, table) {
    await tx.query(`CREATE TABLE ${table('customer_name')} (id text PRIMARY KEY, name text)`)
    await tx.query(`CREATE TABLE ${table('customer_order')} (id text PRIMARY KEY, customer text, name text)`)
  },
  handlers: [
    project(Renamed, async ({ key, data }, { tx, table }) => {
      await tx.query(
        `INSERT INTO ${table('customer_name')} VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = excluded.name`,
        [key, data.name],
      )
      await tx.query(`UPDATE ${table('customer_order')} SET name = $2 WHERE customer = $1`, [key, data.name])
    }),
    // The two feeds have no order between them, and are folded side by side: both lock the customer's row before they look.
    project(OrderPlaced, async ({ data }, { tx, table }) => {
      await tx.query(
        `INSERT INTO ${table('customer_name')} VALUES ($1, NULL) ON CONFLICT (id) DO UPDATE SET id = excluded.id`,
        [data.customer],
      )
      await tx.query(
        `INSERT INTO ${table('customer_order')} SELECT $1, id, name FROM ${table('customer_name')} WHERE id = $2`,
        [data.order, data.customer],
      )
    }),
  ],
})

/** A search index elsewhere: absolute writes that know their position, because a batch may come twice. */
function searchIndex(index: DatabaseSync, fault: { next: boolean; applied: number }): Projection<Sql> {
  return projection<Sql>('search', {
    ...{ version: 1, tables: [] },
    async setUp(_, { suffix }) {
      // Also elsewhere: it may have been set up by a process that died before its commit.
      index.exec(`DROP TABLE IF EXISTS item_${suffix};
        CREATE TABLE item_${suffix} (product TEXT PRIMARY KEY, price TEXT, position INTEGER)`)
    },
    handlers: [
      project(ItemAdded, async ({ data, position }, { table: { suffix } }) => {
        const { changes } = index
          .prepare(
            `INSERT INTO item_${suffix} AS i VALUES (?, ?, ?) ON CONFLICT (product) DO UPDATE
              SET price = excluded.price, position = excluded.position WHERE i.position < excluded.position`,
          )
          .run(data.product_id, data.price, position)
        fault.applied += Number(changes)
        if (!fault.next) return
        fault.next = false
        throw new Error('the process might have died here')
      }),
    ],
  })
}

describe('four kinds of read models, with a role that owns nothing but its schema', () => {
  let server: PostgresServer
  let pool: pg.Pool
  let streams: PostgresStreams
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
    const owner = { name: 'shop_owner', password: 'a' }
    await provisionDatabase(server.adminUrl, { database: 'shop', owner, logins: [{ name: 'shop', password: 'b' }] })
    const client = new pg.Client({ connectionString: server.url('shop', owner.name, owner.password) })
    await client.connect()
    await migrate(client, { services: ['shop'], readers: ['shop'] })
    await client.query(`CREATE SCHEMA read_models; GRANT USAGE, CREATE ON SCHEMA read_models TO shop`)
    await client.end()
    const connectionString = server.url('shop', 'shop', 'b')
    const config: pg.PoolConfig & { pipeline: boolean } = {
      ...{ connectionString, max: 25, pipeline: true, options: '-c search_path=read_models' },
    }
    pool = new pg.Pool(config)
    pool.on('error', () => {})
    streams = postgresStreams(pool, { service: 'shop', logger })
  })
  after(async () => {
    await pool.end()
    await server.stop()
  })

  test('a list, a total, a join with public messages, and an index elsewhere are what the events make them', async () => {
    const index = new DatabaseSync(':memory:')
    const fault = { next: false, applied: 0 }
    const store = postgres(pool)
    const people = projections(pool)
    const running = await startProjections([orderSummary, sales, customerOrders, searchIndex(index, fault)], {
      ...{ ...reading, store, projections: people, logger, events: streams.log },
      sources: [postgresLog(pool, { source: 'shop' })],
    })
    const item = (product_id: string, price: string) => ({ do: 'add', product_id, quantity: 2, price }) as const
    await streams.handle(Customer, 'c-1', 'Ada')
    await store.transaction(async (_, publish) => publish(OrderPlaced({ order: 'o-1', customer: 'c-1' })))
    await streams.handle(Order, 'o-1', item('p-1', '1.0'))
    await streams.handle(Order, 'o-1', item('p-2', '2.0'))
    await streams.handle(Order, 'o-1', { do: 'confirm' })
    fault.next = true
    await streams.handle(Customer, 'c-1', 'Ada Lovelace')
    const { position } = await streams.handle(Order, 'o-2', item('p-1', '3.0'))
    const names = ['order-summary', 'sales', 'customer-orders', 'search']
    await Promise.all(names.map((name) => people.waitFor(name, position, { timeoutMs: 60_000 })))
    const rows = async (text: string) => (await pool.query({ text, rowMode: 'array' })).rows
    assert.deepEqual(await rows('SELECT id, items, is_open FROM order_summary ORDER BY 1'), [
      ['o-1', 2, false],
      ['o-2', 1, true],
    ])
    assert.deepEqual(await rows('SELECT product, sum(quantity)::int FROM sales GROUP BY 1 ORDER BY 1'), [
      ['p-1', 4],
      ['p-2', 2],
    ])
    // The public message comes from another feed, for which there is no position of the own events to wait for.
    const joined = 'SELECT id, customer, name FROM customer_order'
    await until('the message has come', async () => (await rows(joined)).length === 1)
    assert.deepEqual(await rows(joined), [['o-1', 'c-1', 'Ada Lovelace']])
    assert.deepEqual(
      index
        .prepare('SELECT product, price FROM item_v1 ORDER BY 1')
        .all()
        .map((row) => ({ ...row })),
      [
        { product: 'p-1', price: '3.0' },
        { product: 'p-2', price: '2.0' },
      ],
    )
    assert.deepEqual([fault.next, fault.applied], [false, 3], 'one came twice and changed nothing')

    const by = { who: 'test' }
    await people.rebuild('sales', by)
    await until('it is built again', async () =>
      (await people.list()).some(
        ({ projection: of, build, state }) => of === 'sales' && build === 2 && state === 'serving',
      ),
    )
    assert.equal((await people.verify(sales)).isEqual, true)
    assert.equal(await people.drop('sales', { version: 1, build: 1 }, by), true)
    await running.stop()
    index.close()
  })
})
