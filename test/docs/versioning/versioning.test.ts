import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { copyStreams, type EventType, logger, type OutgoingMessage, type Service, start, verifyCopies } from 'estafet'
import { checkContracts, contracts, generated } from 'estafet/contracts'
import { migrate, type PostgresStore, postgres, postgresLog, postgresStreams, type Sql } from 'estafet/postgres'
import pg from 'pg'
import { newDatabase } from '../../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../../engines/postgres/server.ts'
import { handleUser, Moved, User, UserBefore, users } from './copy-and-replace.ts'
import * as several from './several-handlers.ts'
import * as upcasting from './upcasting.ts'
import * as weak from './weak-schema.ts'

const quiet = logger({ service: 'test', level: 'error', write: () => {} })
const placed = { orderId: 'A-1', total: '5.0' }

describe('the four ways of versioning, as the guide shows them', () => {
  let server: PostgresServer
  const pools: pg.Pool[] = []

  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(async () => {
    await Promise.all(pools.map((pool) => pool.end()))
    await server.stop()
  })

  async function database(name: string): Promise<{ pool: pg.Pool; store: PostgresStore }> {
    const config: pg.PoolConfig & { pipeline: boolean } = {
      connectionString: await newDatabase(server.adminUrl, name),
      ...{ max: 10, pipeline: true },
    }
    const pool = new pg.Pool(config)
    pool.on('error', () => {})
    pools.push(pool)
    const owner = await pool.connect()
    await migrate(owner)
    owner.release()
    await pool.query('CREATE TABLE invoice (order_id text, says text)')
    return { pool, store: postgres(pool) }
  }

  /** What a service wrote of messages that were published, in their order. */
  async function written(of: Service<Sql>, ...messages: readonly OutgoingMessage[]): Promise<readonly string[]> {
    const { pool, store } = await database(of.name.replaceAll('-', '_'))
    await store.transaction(async (_, publish) => publish(...messages))
    const running = await start(of, {
      ...{ store, logger: quiet },
      sources: [postgresLog(pool, { source: 'orders' })],
    })
    try {
      for (;;) {
        const { rows } = await pool.query<{ says: string }>('SELECT says FROM invoice ORDER BY order_id')
        if (rows.length === messages.length) return rows.map(({ says }) => says)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    } finally {
      await running.stop()
    }
  }

  test('weak schema: old events lack what is new, and old programs ignore it', { timeout: 60_000 }, async () => {
    const now = weak.OrderPlaced({ ...placed, orderId: 'A-2', note: 'quick', currency: 'USD' })
    assert.deepEqual(await written(weak.billing, weak.OrderPlacedBefore(placed), now), ['5.0 EUR', '5.0 USD'])
    assert.deepEqual(await written(weak.shipping, now), ['orderId total'])
  })

  test('upcasting: old events come as new ones', { timeout: 60_000 }, async () => {
    const now = upcasting.OrderPlaced({ orderId: 'A-2', amount: { value: '6.0', currency: 'USD' } })
    assert.deepEqual(await written(upcasting.billing, upcasting.OrderPlacedBefore(placed), now), ['5.0 EUR', '6.0 USD'])
  })

  test('several handlers: each version goes to its own', { timeout: 60_000 }, async () => {
    const now = several.OrderPlaced({ ...placed, orderId: 'A-2', seller: 'Ada' })
    assert.deepEqual(await written(several.billing, several.OrderPlacedBefore(placed), now), [
      '5.0 for the house',
      '5.0 for Ada',
    ])
  })

  test('copy and replace: the new stream has it all, the old one takes no more', { timeout: 60_000 }, async () => {
    const { pool } = await database('users')
    const streams = postgresStreams(pool, { service: 'users', logger: quiet })
    const [ada, bea] = [
      { name: 'Ada', email: 'ada@example.org' },
      { name: 'Bea', email: 'bea@example.org' },
    ]
    await streams.handle(UserBefore, 'u-1', { do: 'create', ...ada })
    await copyStreams(streams.copying, users)
    await handleUser(streams, 'u-1', { do: 'change', ...ada, email: 'ada@example.com' })
    await handleUser(streams, 'u-2', { do: 'create', ...bea })
    const { copies, closed, faults } = await copyStreams(streams.copying, users, { closes: true })
    assert.deepEqual([copies, closed, faults], [2, 1, []])
    await assert.rejects(streams.handle(UserBefore, 'u-1', { do: 'change', ...bea }), Moved)
    await handleUser(streams, 'u-1', { do: 'change', ...ada, email: 'ada@example.net' })
    const { rows } = await pool.query(`SELECT event_type, event_data FROM estafet.event_store
      WHERE aggregate_type = 'user-v2' AND aggregate_id = 'u-1' ORDER BY event_version`)
    assert.deepEqual(
      rows.map(({ event_type: type, event_data: data }) => [type, data]),
      [
        ['UserCreated', { id: 'ada@example.org', ...ada, age: null, preferences: {} }],
        ['NameChanged', { name: 'Ada' }],
        ['EmailChanged', { email: 'ada@example.com' }],
        ['NameChanged', { name: 'Ada' }],
        ['EmailChanged', { email: 'ada@example.net' }],
      ],
    )
    assert.equal((await streams.load(User, 'u-2')).state.email, 'bea@example.org')
    assert.deepEqual((await verifyCopies(streams.copying, users)).differences, [])
    await streams.settled()
  })

  test('the contracts pass the first three, and refuse to drop the version before', () => {
    const example = weak.OrderPlacedBefore(placed)
    const orders = (...publishes: readonly EventType<never, unknown>[]) =>
      contracts([{ service: { name: 'orders', publishes, handlers: [] } }])
    const before = generated(
      contracts([
        { service: { name: 'orders', publishes: [weak.OrderPlacedBefore], handlers: [] }, examples: [example] },
      ]),
      { contracts: [], samples: [] },
    )
    const kinds = (...publishes: readonly EventType<never, unknown>[]) =>
      checkContracts(orders(...publishes), before).breaks.map(({ kind }) => kind)
    assert.deepEqual(kinds(weak.OrderPlaced), [])
    assert.deepEqual(kinds(upcasting.OrderPlaced), [])
    assert.deepEqual(kinds(several.OrderPlacedBefore, several.OrderPlaced), [])
    assert.deepEqual(kinds(several.OrderPlaced), ['dropped'])
  })
})
