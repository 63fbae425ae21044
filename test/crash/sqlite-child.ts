// One process of the crash tests of SQLite: a subscriber that kills itself at a named step.
import { event, type Store, service, start } from 'estafet'
import { postgresLog } from 'estafet/postgres'
import { on, type SqliteTransaction, sqlite } from 'estafet/sqlite'
import pg from 'pg'
import * as z from 'zod'

export interface SqliteChildOptions {
  /** Of the PostgreSQL database whose log is read. */
  readonly source: string
  /** Path of the subscriber's own database. */
  readonly file: string
  /** Kill -9 at this step, the n-th time it is reached; null for never. */
  readonly fail: { readonly point: string; readonly times: number } | null
}

const options: SqliteChildOptions = JSON.parse(process.env['CRASH_CHILD'] ?? '{}')
let left = options.fail?.times ?? 0

function reach(point: string): void {
  if (options.fail?.point === point && --left === 0) process.kill(process.pid, 'SIGKILL')
}

/** The store, with a step before and after everything that it does. */
function failing(store: Store<SqliteTransaction>): Store<SqliteTransaction> {
  return {
    ...store,
    unitOfWork: {
      async run(work, last) {
        reach('before begin')
        const result = await store.unitOfWork.run(
          async (tx) => {
            reach('begun')
            return work(tx)
          },
          async (tx) => {
            await last?.(tx)
            reach('before commit')
          },
        )
        reach('after commit')
        return result
      },
    },
    lanes: {
      ...store.lanes,
      async take(group, lane, owner, leaseMs) {
        const taken = await store.lanes.take(group, lane, owner, leaseMs)
        reach('after take')
        return taken
      },
      async save(tx, lane, progress) {
        reach('before save')
        await store.lanes.save(tx, lane, progress)
        reach('after save')
      },
    },
    parking: {
      ...store.parking,
      async park(tx, lane, entries) {
        await store.parking.park(tx, lane, entries)
        reach('after park')
      },
    },
    retries: {
      ...store.retries,
      async begin(parked, by, heldMs) {
        const attempt = await store.retries.begin(parked, by, heldMs)
        if (attempt !== null) reach('attempt begun')
        return attempt
      },
      async applied(tx, attempt) {
        await store.retries.applied(tx, attempt)
        reach('attempt applied')
      },
      async failed(attempt, failure) {
        reach('attempt failing')
        await store.retries.failed(attempt, failure)
        reach('attempt failed')
      },
    },
  }
}

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
  store: failing(sqlite(options.file, { idleInTransactionMs: 600 })),
  sources: [postgresLog(source, { source: 'source' })],
})
