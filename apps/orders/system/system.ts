import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, type RunningProjections, service, start, startProjections } from 'estafet'
import { type ServedOps, serveOps } from 'estafet/ops'
import {
  type PostgresStore,
  type PostgresStreams,
  postgres,
  postgresLog,
  postgresStreams,
  projections,
  type Sql,
} from 'estafet/postgres'
import type pg from 'pg'
import { addressOf, connect, type DatabaseServer } from '../../../engines/application/database-server.ts'
import { ProductChanged, ProductRemoved } from '../catalog/messages.ts'
import { Order } from '../orders/order.ts'
import { readModels } from '../orders/read-models.ts'
import { UserChanged, UserRemoved } from '../users/messages.ts'
import { databaseOf, migrateAll, type ServiceName } from './databases.ts'
import { openServer } from './open-server.ts'
import type { Settings } from './settings.ts'

/** What the orders service keeps: streams of events, and the read models made of them. */
export interface Orders {
  readonly pool: pg.Pool
  readonly streams: PostgresStreams
  readonly people: ReturnType<typeof projections>
}

/** The services of this application, running. */
export interface System {
  readonly server: DatabaseServer
  readonly orders: Orders
  readonly users: PostgresStore
  readonly catalog: PostgresStore
  /** Where the command line sees orders as they were, and the read models. */
  readonly ops: ServedOps
  isReady(): boolean
  stop(): Promise<void>
}

/** Starts all of it, migrations first. */
export async function startSystem(settings: Settings, logger: Logger): Promise<System> {
  const closers: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    const server = await openServer(settings)
    closers.push(() => server.stop())
    await migrateAll(server)
    const opened = (database: ServiceName, role: ServiceName, more: pg.PoolConfig = {}): pg.Pool => {
      const pool = connect(addressOf(server, databaseOf(database), databaseOf(role)), logger, more)
      closers.push(() => pool.end())
      return pool
    }
    const [users, catalog] = [postgres(opened('users', 'users')), postgres(opened('catalog', 'catalog'))]
    const orders = ordersIn(opened('orders', 'orders', inReadModels), logger)
    const sources = (['users', 'catalog'] as const).map((source) => postgresLog(opened(source, 'orders'), { source }))
    const running = await runReadModels(orders, sources, logger)
    closers.push(() => running.stop())
    await served(orders.people)
    const ops = await serveOrdersOps(orders, closers, logger)
    return { server, orders, users, catalog, ops, stop, isReady: () => running.health().ready }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Read models have a schema of their own; readers need no more than their plain names. */
export const inReadModels: pg.PoolConfig = { max: 25, options: '-c search_path=read_models' }

export function ordersIn(pool: pg.Pool, logger: Logger): Orders {
  return { pool, streams: postgresStreams(pool, { service: 'orders', logger }), people: projections(pool) }
}

function runReadModels(
  { pool, streams, people }: Orders,
  sources: readonly ReturnType<typeof postgresLog>[],
  logger: Logger,
): Promise<RunningProjections> {
  return startProjections(readModels, {
    ...{ store: postgres(pool), projections: people, events: streams.log, sources, logger },
    // Somebody may wait for what he has just written.
    ...{ pace: { hotMs: 2, busyMs: 5, idleMs: 25 }, backOff: { firstMs: 50, maxMs: 2_000 }, lookMs: 100 },
  })
}

/** Who reads before a read model was ever set up would find no table. */
async function served(people: Orders['people']): Promise<void> {
  const deadline = performance.now() + 60_000
  for (;;) {
    const serving = new Set(
      (await people.list()).filter(({ state }) => state === 'serving').map((one) => one.projection),
    )
    const missing = readModels.filter(({ name }) => !serving.has(name)).map(({ name }) => name)
    if (missing.length === 0) return
    if (performance.now() > deadline) throw new Error(`these read models cannot be set up: ${missing.join(', ')}`)
    await sleep(20)
  }
}

async function serveOrdersOps(
  { pool, streams, people }: Orders,
  closers: (() => Promise<unknown>)[],
  logger: Logger,
): Promise<ServedOps> {
  const [orders, store] = [service<Sql>('orders', {}), postgres(pool)]
  const running = await start(orders, { store, logger })
  closers.push(() => running.stop())
  const ops = await serveOps({
    ...{ service: orders, store, running, logger, version: '1' },
    events: [UserChanged, UserRemoved, ProductChanged, ProductRemoved],
    streams: { events: streams.events, deciders: [Order] },
    projections: { people, definitions: readModels },
  })
  closers.push(() => ops.close())
  return ops
}
