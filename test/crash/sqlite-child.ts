// One process of the crash tests of SQLite: a subscriber that kills itself at a named step.
import { event, service, start } from 'estafet'
import { postgresLog } from 'estafet/postgres'
import { on, type SqliteTransaction, sqlite } from 'estafet/sqlite'
import pg from 'pg'
import * as z from 'zod'
import { dyingAt, type Fail, stepping } from './steps.ts'

export interface SqliteChildOptions {
  /** Of the PostgreSQL database whose log is read. */
  readonly source: string
  /** Path of the subscriber's own database. */
  readonly file: string
  readonly fail: Fail
}

const options: SqliteChildOptions = JSON.parse(process.env['CRASH_CHILD'] ?? '{}')
const reach = dyingAt(options.fail)

const Done = event('work.done', {
  version: 1,
  schema: z.object({ operation: z.number(), key: z.string() }),
  key: ({ key }) => key,
})

const refused = new Map<number, number>()

/** Some fail three times in each process: in the batch, alone, and when they are tried as parked. */
function refuseSome(operation: number): void {
  const times = refused.get(operation) ?? 0
  if (operation % 10 !== 3 || times >= 3) return
  refused.set(operation, times + 1)
  throw new Error('on purpose')
}

const handler = on(
  Done,
  async ({ data }, { tx }) => {
    refuseSome(data.operation)
    tx.run('INSERT INTO effect (operation, process) VALUES (?, ?)', data.operation, process.pid)
    reach('in handler')
    await Promise.resolve()
  },
  // A begun attempt keeps others away for as long as its handler may take.
  { timeoutMs: 1_000, retry: [{ immediate: 0, delayed: 50, backOff: { firstMs: 5, maxMs: 20 } }] },
)

const source = new pg.Pool({ connectionString: options.source, max: 6 })
source.on('error', () => {})
await start(service<SqliteTransaction>('crash', { lanes: 2, batchSize: 7, handlers: [handler] }), {
  ...{ leaseMs: 600, pace: { hotMs: 2, busyMs: 5, idleMs: 20 }, backOff: { firstMs: 10, maxMs: 200 } },
  store: stepping(sqlite(options.file, { idleInTransactionMs: 600 }), reach),
  sources: [postgresLog(source, { source: 'source' })],
})
