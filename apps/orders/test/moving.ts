import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type PostgresServer, temporaryPostgres } from '../../../engines/postgres/server.ts'
import { compare, type Moved, move } from '../monolith/move/move.ts'
import type { Progress } from '../monolith/move/progress.ts'
import { openMove } from '../monolith/system.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const unseen: Progress = { stage() {}, at() {}, end() {} }

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** A monolith with its sample rows on a server of its own, and the services that it becomes. */
export interface Moving {
  readonly server: PostgresServer
  /** As the superuser, in a database of the application. */
  sql(database: string, text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>
  /** Moves in this process, so many rows at once. */
  run(batch?: number): Promise<Moved>
  verify(): ReturnType<typeof compare>
  /** Moves in another process, which ends itself at a step. */
  killedAt(point: string, times: number): Promise<Ended>
  /** Runs `npm run move` with options. */
  command(...options: readonly string[]): Promise<Ended>
  stop(): Promise<void>
}

export async function startMoving(): Promise<Moving> {
  const server = await temporaryPostgres({ settings: { fsync: 'off' } })
  const pools = new Map<string, pg.Pool>()
  const database = { says: 'it', application: 'orders', adminUrl: server.adminUrl, stop: () => Promise.resolve() }
  const system = await openMove(database, silent)

  const started = (file: string, environment: Record<string, string>, words: readonly string[] = []) => {
    const path = fileURLToPath(new URL(file, import.meta.url))
    const child = spawn(process.execPath, ['--conditions=estafet-source', path, ...words], {
      env: { PATH: process.env['PATH'], POSTGRES_URL: server.adminUrl, ...environment },
    })
    return ended(child)
  }
  return {
    server,
    async sql(name, text, values = []) {
      const url = new URL(server.adminUrl)
      url.pathname = `/orders_${name}`
      const pool = pools.get(name) ?? new pg.Pool({ connectionString: url.href, max: 2 })
      pools.set(name, pool)
      if (pool.listenerCount('error') === 0) pool.on('error', () => {})
      return (await pool.query<Record<string, unknown>>(text, [...values])).rows
    },
    async run(batch = 2) {
      const followers = await system.follow()
      try {
        return await move({ ...system, followers, batch, reach: () => {}, progress: unseen })
      } finally {
        await Promise.all(followers.map(({ running }) => running.stop()))
      }
    },
    verify: () => compare({ ...system, batch: 3, progress: unseen }),
    killedAt: (point, times) => started('move-child.ts', { DIE_AT: `${point}:${times}` }),
    command: (...options) => started('../move.ts', {}, options),
    async stop() {
      await system.stop()
      await Promise.all([...pools.values()].map((pool) => pool.end()))
      await server.stop()
    },
  }
}

function ended(child: ChildProcess): Promise<Ended> {
  let [out, err] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text))
  return new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal, out, err })))
}
