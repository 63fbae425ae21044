import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { logger } from 'estafet'
import { migrate } from 'estafet/postgres'
import { type Supervisor, supervise } from 'estafet/supervisor'
import pg from 'pg'
import { type PostgresServer, startPostgres } from '../../engines/postgres/server.ts'
import type { ChildOptions } from './child.ts'
import { type FaultProxy, faultProxy } from './fault-proxy.ts'
import type { Mutant } from './mutants.ts'

export const databases = ['orders', 'billing', 'stock'] as const
export type Database = (typeof databases)[number]

/** The system under test: one server, a database for each service, two processes of each, all behind the fault proxy. */
export interface ChaosSystem {
  readonly server: PostgresServer
  readonly proxy: FaultProxy
  readonly supervisor: Supervisor
  readonly processes: readonly string[]
  /** Past the proxy, as the owner: for the oracle and for what is not of the system. */
  readonly direct: Readonly<Record<Database, pg.Pool>>
  stop(): Promise<void>
}

export interface ChaosSystemOptions {
  /** Of the server's data. */
  readonly home: string
  /** Where logs go. */
  readonly folder: string
  readonly leaseMs: number
  readonly mutant: Mutant | null
  readonly hasBreaker: boolean
}

export async function chaosSystem(options: ChaosSystemOptions): Promise<ChaosSystem> {
  const server = await startPostgres({
    ...{ home: options.home, restart: true },
    // Little room for WAL, so that a full disk reaches it as well.
    settings: { max_wal_size: '64MB', min_wal_size: '32MB', wal_keep_size: '0' },
  })
  const proxy = await faultProxy(server.port)
  for (const database of databases) await made(server, database)
  const urls = urlsOf(server, proxy.port)
  const processes = databases.flatMap((role) => [1, 2].map((number) => ({ name: `${role}-${number}`, role })))
  const logFile = join(options.folder, 'processes.log')
  const supervisor = supervise({
    logger: logger({
      service: 'supervisor',
      format: 'json',
      write: (line) => appendFileSync(logFile, `${line}\n`),
    }),
    stopMs: 5_000,
    // Longer than any freeze, which must be able to wake up as a zombie; short enough for a blocked event loop.
    stuckMs: 3_500,
    processes: processes.map((process) => {
      const { leaseMs, mutant, hasBreaker } = options
      const child: ChildOptions = { ...process, urls, logFile, leaseMs, mutant, hasBreaker }
      return {
        name: process.name,
        module: new URL('child.ts', import.meta.url),
        env: { CHAOS_CHILD: JSON.stringify(child) },
      }
    }),
  })
  await supervisor.ready()
  const direct = poolsOf(urlsOf(server, server.port))
  return {
    ...{ server, proxy, supervisor, direct },
    processes: processes.map(({ name }) => name),
    async stop() {
      await supervisor.stop()
      await Promise.all(databases.map((database) => direct[database].end()))
      await proxy.close()
      await server.stop()
    },
  }
}

function urlsOf(server: PostgresServer, port: number): Readonly<Record<Database, string>> {
  const url = (database: Database): string => {
    const address = new URL(server.adminUrl)
    address.port = String(port)
    address.pathname = `/${database}`
    return address.href
  }
  return { orders: url('orders'), billing: url('billing'), stock: url('stock') }
}

function poolsOf(urls: Readonly<Record<Database, string>>): Readonly<Record<Database, pg.Pool>> {
  const pool = (database: Database): pg.Pool => {
    const made = new pg.Pool({ connectionString: urls[database], max: 4, connectionTimeoutMillis: 5_000 })
    made.on('connect', (client) => void client.on('error', () => {}))
    made.on('error', () => {})
    return made
  }
  return { orders: pool('orders'), billing: pool('billing'), stock: pool('stock') }
}

async function made(server: PostgresServer, database: Database): Promise<void> {
  const admin = new pg.Client({ connectionString: server.adminUrl })
  await admin.connect()
  await admin.query(`CREATE DATABASE ${database}`)
  await admin.end()
  const owner = new pg.Client({ connectionString: urlsOf(server, server.port)[database] })
  await owner.connect()
  await migrate(owner)
  // Without unique constraints, but for the counter that the business needs: what happened twice must show.
  await owner.query(`
    CREATE TABLE counter (key text PRIMARY KEY, sequence int NOT NULL);
    CREATE TABLE done (operation int, key text, sequence int);
    CREATE TABLE note (text text);
    CREATE TABLE effect (place bigint GENERATED ALWAYS AS IDENTITY, handler text, operation int, key text, sequence int,
      process text, at timestamptz DEFAULT clock_timestamp())`)
  await owner.end()
}
