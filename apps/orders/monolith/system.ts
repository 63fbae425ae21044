import { type Logger, start } from 'estafet'
import { migrate, type PostgresStore, postgres, postgresLog } from 'estafet/postgres'
import pg from 'pg'
import { addressOf, connect, type DatabaseServer, passwordOf } from '../../../engines/application/database-server.ts'
import { applyOwn } from '../../../engines/application/own-migrations.ts'
import { provisionDatabase } from '../../../engines/postgres/provision.ts'
import { catalogFollowing } from '../catalog/follow-monolith.ts'
import { inventoryFollowing } from '../inventory/follow-monolith.ts'
import { ordersFollowing } from '../orders/follow-monolith.ts'
import { databaseOf, migrateAll, migrationsOf, type ServiceName } from '../system/databases.ts'
import { inReadModels, ordersIn } from '../system/system.ts'
import { usersFollowing } from '../users/follow-monolith.ts'
import type { Follower } from './move/caught-up.ts'
import type { TargetDatabases } from './move/target-rows.ts'

const database = 'orders_monolith'
const services: readonly ServiceName[] = ['users', 'catalog', 'inventory', 'orders']

/** The monolith and the services that it becomes. */
export interface MoveSystem {
  readonly source: pg.Pool
  readonly store: PostgresStore
  readonly databases: TargetDatabases
  /** Starts the services, which then follow what the monolith publishes. */
  follow(wrap?: (store: PostgresStore) => PostgresStore): Promise<readonly Follower[]>
  stop(): Promise<void>
}

/** Makes the monolith with its sample rows, if there is none, its outbox, and the databases of the services. */
export async function openMove(server: DatabaseServer, logger: Logger): Promise<MoveSystem> {
  await migrateAll(server)
  await migrateMonolith(server)
  const closers: (() => Promise<unknown>)[] = []
  const opened = (name: string, role: ServiceName | null, more: pg.PoolConfig = {}): pg.Pool => {
    const pool = connect(addressOf(server, name, role === null ? database : databaseOf(role)), logger, more)
    closers.push(() => pool.end())
    return pool
  }
  const source = opened(database, null)
  const own = (name: ServiceName) => opened(databaseOf(name), name, name === 'orders' ? inReadModels : { max: 20 })
  const [users, catalog, inventory] = [own('users'), own('catalog'), own('inventory')]
  const { pool: orders, streams } = ordersIn(own('orders'), logger)
  const pools = { users, catalog, inventory, orders }
  const follows = {
    ...{ users: usersFollowing, catalog: catalogFollowing, inventory: inventoryFollowing },
    orders: ordersFollowing(streams),
  }
  return {
    ...{ source, store: postgres(source), databases: { ...pools, streams } },
    async follow(wrap = (store) => store) {
      const followers: Follower[] = []
      for (const name of services) {
        const store = wrap(postgres(pools[name]))
        const sources = [postgresLog(opened(database, name), { source: 'monolith' })]
        const running = await start(follows[name], { store, sources, logger, backOff: { firstMs: 50, maxMs: 2_000 } })
        closers.push(() => running.stop())
        followers.push({ name, store, running })
      }
      return followers
    },
    async stop() {
      for (const close of closers.splice(0).reverse()) await close()
    },
  }
}

async function migrateMonolith(server: DatabaseServer): Promise<void> {
  const withPassword = (role: string) => ({ name: role, password: passwordOf(server, role) })
  const owner = withPassword(`${database}_owner`)
  const readers = services.map(databaseOf)
  await provisionDatabase(server.adminUrl, { database, owner, logins: [database, ...readers].map(withPassword) })
  const client = new pg.Client({ connectionString: addressOf(server, database, owner.name) })
  await client.connect()
  try {
    await applyOwn(client, migrationsOf('monolith'))
    await migrate(client, { services: [database], readers })
    await applyOwn(client, migrationsOf('monolith/move'))
  } finally {
    await client.end()
  }
}
