import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { migrate } from 'estafet/postgres'
import pg from 'pg'
import { newDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import type { ChildOptions } from './child.ts'
import { ended } from './ended.ts'

/** A source and a subscriber database, and processes that work on them. */
export interface CrashSystem {
  readonly server: PostgresServer
  begin(options: Partial<ChildOptions> & Pick<ChildOptions, 'role'>): ChildProcess
  /** Resolves with what took effect, in order, and what was noted in return, once that is all or time is up. */
  settled(operations: number): Promise<{ readonly effects: readonly number[]; readonly notes: number }>
  stop(): Promise<void>
}

export async function crashSystem(name: string, server: PostgresServer): Promise<CrashSystem> {
  const urls = { source: await made(server, `${name}_source`), subscriber: await made(server, `${name}_subscriber`) }
  const children: ChildProcess[] = []
  // A pool, because the server is killed under it in one of the tests.
  const client = new pg.Pool({ connectionString: urls.subscriber, max: 1 })
  client.on('error', () => {})
  return {
    server,
    begin(options) {
      const whole: ChildOptions = { fail: null, operations: 40, ...urls, ...options }
      const child = fork(new URL('child.ts', import.meta.url), {
        env: { ...process.env, CRASH_CHILD: JSON.stringify(whole) },
        execArgv: ['--conditions=estafet-source'],
        stdio: 'ignore',
      })
      children.push(child)
      return child
    },
    async settled(operations) {
      const deadline = performance.now() + 30_000
      for (;;) {
        const { rows } = await client.query<{ operation: number }>('SELECT operation FROM effect ORDER BY place')
        const notes = await client.query<{ n: number }>(
          `SELECT count(*)::int AS n FROM estafet.outbox WHERE topic = 'note'`,
        )
        const effects = rows.map(({ operation }) => operation)
        if (new Set(effects).size >= operations || performance.now() > deadline) {
          return { effects, notes: notes.rows[0]?.n ?? 0 }
        }
        await sleep(20)
      }
    },
    async stop() {
      for (const child of children) child.kill('SIGKILL')
      await Promise.all(children.map((child) => ended(child)))
      await client.end()
    },
  }
}

export function crashServer(): Promise<PostgresServer> {
  return temporaryPostgres({ restart: true })
}

async function made(server: PostgresServer, database: string): Promise<string> {
  const url = await newDatabase(server.adminUrl, database)
  const owner = new pg.Client({ connectionString: url })
  await owner.connect()
  await migrate(owner)
  // Without unique constraints: an effect that happened twice must show.
  await owner.query(
    'CREATE TABLE done (operation int); CREATE TABLE effect (place bigint GENERATED ALWAYS AS IDENTITY, operation int)',
  )
  await owner.end()
  return url
}
