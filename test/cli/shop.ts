import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  command,
  compensate,
  decider,
  event,
  logger,
  projection,
  type Running,
  rejected,
  service,
  start,
  startProjections,
  streamEvent,
  when,
} from 'estafet'
import {
  migrate,
  on,
  type PostgresStore,
  postgres,
  postgresLog,
  postgresStreams,
  project,
  projections,
  type Sql,
  saga,
  sagas,
} from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { provisionDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { type ServedOps, serveOps } from '../../src/ops.ts'
import { trips } from '../ops/trips.ts'
import { type Ended, estafet, type Surroundings } from './child.ts'

const order = z.object({ orderId: z.string(), card: z.string().optional() })
export const OrderPlaced = event('order.placed', {
  version: 1,
  schema: order,
  key: (data) => data.orderId,
  mask: ['card'],
})
export const InvoiceSent = event('invoice.sent', { version: 1, schema: order, key: (data) => data.orderId })

const PriceSet = streamEvent('PriceSet', { version: 1, schema: z.object({ at: z.int(), price: z.string() }) })
const CardGiven = streamEvent('CardGiven', { version: 1, schema: z.object({ card: z.string() }), mask: ['card'] })
/** How often the price of each order was set. */
const OrderSizes = projection<Sql>('order-sizes', {
  ...{ version: 1, tables: ['order_size'], streams: ['order'] },
  setUp: (tx, table) => tx.query(`CREATE TABLE ${table('order_size')} (id text PRIMARY KEY, prices int NOT NULL)`),
  handlers: [
    project(PriceSet, ({ key }, { tx, table }) =>
      tx.query(
        `INSERT INTO ${table('order_size')} AS o VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET prices = o.prices + 1`,
        [key],
      ),
    ),
  ],
})
interface OrderState {
  readonly items: readonly { readonly price: string }[]
  readonly card: string | null
}
/** Its commands are its events. */
const Order = decider<OrderState, readonly (ReturnType<typeof PriceSet> | ReturnType<typeof CardGiven>)[]>('order', {
  initial: { items: [], card: null },
  mask: ['card'],
  decide: (events) => events,
  evolve: [
    when(PriceSet, (state: OrderState, { at, price }) => ({
      ...state,
      items: state.items.toSpliced(at, 1, { price }),
    })),
    when(CardGiven, (state: OrderState, { card }) => ({ ...state, card })),
  ],
})

/** Nobody answers it but a person. */
const SendCourier = command('courier.send', {
  ...{ version: 1, to: 'courier', refusals: ['nobody-free'] },
  schema: z.object({ orderId: z.string() }),
  reply: z.object({ courier: z.int() }),
})
/** Waits for a courier, and then for the next day. */
const Delivery = saga('delivery', {
  ...{ version: 1, input: z.object({ orderId: z.string() }), uses: [SendCourier] },
  ...{ backOff: { firstMs: 20, maxMs: 40 }, attentionAfter: 2 },
  async run(steps, { orderId }) {
    await steps.run('pack', async () => 'packed', { undo: async () => {} })
    const sent = await steps.request('courier', SendCourier, { orderId }, { timeoutMs: 3_600_000 })
    if (sent.outcome !== 'done') return compensate(sent.outcome)
    await steps.sleep('next day', 86_400_000)
    return sent.result
  },
})

const tokens = [
  { name: 'ada', role: 'admin', token: 'token-of-ada-who-may-do-everything' },
  { name: 'eve', role: 'view', token: 'token-of-eve-who-may-only-look-at-it' },
  { name: 'bob', role: 'operate', token: 'token-of-bob-who-may-put-things-right' },
] as const

export interface Shop {
  readonly server: PostgresServer
  /** Working directory of the command line, with the supervisor's file in it. */
  readonly cwd: string
  readonly urls: Readonly<Record<'orders' | 'billing', string>>
  /** Of a second process of orders, which runs a later version. */
  readonly laterUrl: string
  readonly tokens: { readonly admin: string; readonly view: string; readonly operate: string }
  readonly running: Readonly<Record<'orders' | 'billing', Running>>
  /** Orders that billing rejects as long as they are in here. */
  readonly rejectedOrders: Set<string>
  place(...orders: readonly string[]): Promise<void>
  /** Begins a saga of orders, which waits for its step `courier`; nobody but a person answers that. */
  deliver(id: string): Promise<void>
  /** Lets a trip begin, which orders follows. */
  travel(id: string): Promise<void>
  sql(database: string, text: string): Promise<Record<string, unknown>[]>
  /** Runs a command line in the working directory. */
  cli(line: string, around?: Surroundings): Promise<Ended>
  waitFor(isSo: () => Promise<boolean>): Promise<void>
  /** Waits until a query of a database gives true. */
  until(database: string, condition: string): Promise<void>
  stopOps(name: 'orders' | 'billing'): Promise<void>
  close(): Promise<void>
}

/** Two services with their databases, which serve their ops APIs in this process: orders publishes, billing handles. */
export async function openShop(): Promise<Shop> {
  const server = await temporaryPostgres()
  const cwd = mkdtempSync(join(tmpdir(), 'estafet-cli-'))
  const rejectedOrders = new Set<string>()
  const pools: pg.Pool[] = []
  const poolOf = (name: string): pg.Pool => {
    const pool = new pg.Pool({ connectionString: server.url(name, `${name}_owner`, 'owner'), max: 10 })
    pool.on('error', () => {})
    pools.push(pool)
    return pool
  }
  const stores: Record<string, PostgresStore> = {}
  const own: Record<string, pg.Pool> = {}
  for (const name of ['orders', 'billing']) {
    await provisionDatabase(server.adminUrl, {
      database: name,
      owner: { name: `${name}_owner`, password: 'owner' },
      logins: [],
    })
    const pool = poolOf(name)
    const client = await pool.connect()
    await migrate(client)
    client.release()
    own[name] = pool
    stores[name] = postgres(pool)
  }
  const storeOf = (name: string): PostgresStore => stores[name] ?? fail(name)
  const poolOfService = (name: string): pg.Pool => own[name] ?? fail(name)
  const quiet = logger({ service: 'test', level: 'error', write: () => {} })
  await poolOfService('billing').query('CREATE TABLE invoice (order_id text)')
  const orders = service('orders', { publishes: [OrderPlaced] })
  const billing = service('billing', {
    publishes: [InvoiceSent],
    handlers: [
      on(OrderPlaced, async ({ data }, { tx, publish }) => {
        await tx.query('INSERT INTO invoice VALUES ($1)', [data.orderId])
        if (rejectedOrders.has(data.orderId)) throw rejected('no such account')
        publish(InvoiceSent({ orderId: data.orderId }))
      }),
    ],
  })
  const running = {
    orders: await start(orders, { store: storeOf('orders'), logger: quiet, version: '1.0.0' }),
    billing: await start(billing, {
      ...{ store: storeOf('billing'), logger: quiet, version: '2.0.0' },
      sources: [postgresLog(poolOfService('orders'), { source: 'orders' })],
    }),
  }
  const streams = postgresStreams(poolOfService('orders'), { service: 'orders', logger: quiet })
  await streams.handle(Order, 'A-1', [PriceSet({ at: 0, price: '5.0' }), CardGiven({ card: 'card-number' })])
  await streams.handle(Order, 'A-1', [PriceSet({ at: 0, price: '6.0' })])
  const { position } = await streams.handle(Order, 'A-2', [PriceSet({ at: 0, price: '6.0' })])
  await streams.settled()
  const readModels = projections(poolOfService('orders'))
  const folding = await startProjections([OrderSizes], {
    ...{ store: storeOf('orders'), projections: readModels, events: streams.log, logger: quiet },
  })
  await readModels.waitFor('order-sizes', position, { timeoutMs: 30_000 })
  const deliveries = sagas(poolOfService('orders'), {
    ...{ service: 'orders', of: [Delivery], store: storeOf('orders'), logger: quiet },
  })
  const delivering = await deliveries.start({ lookMs: 20, backOff: { firstMs: 20, maxMs: 100 } })
  const common = { tokens, logger: quiet }
  const served: Record<'orders' | 'billing', ServedOps> = {
    orders: await serveOps({
      ...common,
      service: orders,
      running: running.orders,
      store: storeOf('orders'),
      streams: { events: streams.events, deciders: [Order] },
      projections: { people: readModels, definitions: [OrderSizes] },
      version: '1.0.0',
    }),
    billing: await serveOps({
      ...{ ...common, service: billing, running: running.billing, store: storeOf('billing'), version: '2.0.0' },
      events: [OrderPlaced],
    }),
  }
  const later = await serveOps({
    ...{ ...common, service: orders, running: running.orders, store: storeOf('orders'), version: '1.1.0' },
  })
  const urls = { orders: served.orders.url, billing: served.billing.url }
  mkdirSync(join(cwd, '.estafet'))
  const connect = { token: tokens[0].token, services: urls }
  writeFileSync(join(cwd, '.estafet', 'ops.json'), JSON.stringify(connect), { mode: 0o600 })
  const sql = async (name: string, text: string): Promise<Record<string, unknown>[]> =>
    (await poolOfService(name).query(text)).rows
  return {
    ...{ server, cwd, urls, laterUrl: later.url, running, rejectedOrders, sql },
    tokens: { admin: tokens[0].token, view: tokens[1].token, operate: tokens[2].token },
    cli: (line, around = {}) => estafet(line, { cwd, ...around }),
    async place(...placed) {
      for (const orderId of placed) {
        await storeOf('orders').transaction(async (_, write) => write(OrderPlaced({ orderId, card: 'card-number' })))
      }
    },
    deliver: async (id) =>
      void (await storeOf('orders').transaction((tx, publish) =>
        deliveries.begin({ tx, publish }, Delivery, id, { orderId: id }),
      )),
    travel: async (id) =>
      void (await trips({ pool: poolOfService('orders'), store: storeOf('orders') }).happened(id, 'trip.requested', 1)),
    waitFor,
    until: (name, condition) =>
      waitFor(async () => (await sql(name, `SELECT (${condition}) AS is_so`))[0]?.['is_so'] === true),
    stopOps: (name) => served[name].close(),
    async close() {
      await Promise.all([served.orders.close(), served.billing.close(), later.close()])
      await Promise.all([running.orders.stop(), running.billing.stop(), folding.stop(), delivering.stop()])
      await Promise.all(pools.map((pool) => pool.end()))
      await server.stop()
      rmSync(cwd, { recursive: true, force: true })
    },
  }
}

async function waitFor(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error('It never came true.')
    await sleep(20)
  }
}

function fail(name: string): never {
  throw new Error(`There is no service ${name}.`)
}
