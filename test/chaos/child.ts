// One process of the chaos run: the service that takes orders, or one of the two that subscribe to it.

import { appendFileSync, closeSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { isEstafetError, logger, type Store, service, start } from 'estafet'
import { on, type PostgresStore, postgres, postgresLog, type Sql } from 'estafet/postgres'
import { supervised } from 'estafet/supervisor'
import pg from 'pg'
import { Billed, Placed } from './events.ts'
import { type Mutant, mutated } from './mutants.ts'
import { poisons } from './poison.ts'

export interface ChildOptions {
  readonly name: string
  readonly role: 'orders' | 'billing' | 'stock'
  readonly urls: Readonly<Record<'orders' | 'billing' | 'stock', string>>
  readonly leaseMs: number
  readonly mutant: Mutant | null
  /** False: nothing is ever taken for a dependency that is down. */
  readonly hasBreaker: boolean
  readonly logFile: string
}

/** What a client asks `orders` for. */
export interface Order {
  readonly operation: number
  readonly key: string
  readonly isRefused: boolean
  /** A kind of poison; null for what everybody can handle. */
  readonly poison: string | null
}

class Refused extends Error {}

/**
 * A short run must see poison die: the standard rule takes a quarter of an hour. What never helps stays as it is, and so does
 * what the faults of the run make: they last longer than an impatient rule.
 */
const impatient = {
  timeoutMs: 1_000,
  retry: [
    // A freeze, or a connection that is open on one side only, takes as long as a few of these.
    { errors: ['TIMED_OUT'], immediate: 0, delayed: 6, backOff: { firstMs: 200, maxMs: 1_000 } },
    {
      errors: (error: unknown) =>
        !isEstafetError(error, 'CONFLICT') &&
        !(isEstafetError(error) && error.retry === 'never') &&
        !(error instanceof pg.DatabaseError && /^(53|57|08|58)/.test(error.code ?? '')),
      ...{ immediate: 1, delayed: 3, backOff: { firstMs: 50, maxMs: 500 } },
    },
  ],
}

const options: ChildOptions = JSON.parse(process.env['CHAOS_CHILD'] ?? '{}')
const me = `${options.name}/${process.pid}`
const log = logger({ service: me, format: 'json', write: (line) => appendFileSync(options.logFile, `${line}\n`) })
const pools: pg.Pool[] = []
const own = connect(options.urls[options.role])
const store = postgres(own, { idleInTransactionMs: options.leaseMs })
const running = options.role === 'orders' ? null : await start(subscription(), { ...reading(), store: tampered(store) })

const server = createServer((request, response) => {
  const answer = (status: number, body: unknown): void => void response.writeHead(status).end(JSON.stringify(body))
  if (request.method === 'GET') return answer(200, { process: me, ...running?.counters(), health: running?.health() })
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const order: Order = JSON.parse(Buffer.concat(parts).toString())
    place(store, order).then(
      () => answer(200, {}),
      (error: unknown) => {
        if (error instanceof Refused) return answer(409, {})
        log.warn('an order failed', { operation: order.operation, error: nameOf(error) })
        answer(isEstafetError(error, 'CONFLICT') ? 409 : 503, {})
      },
    )
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  supervised({ port: typeof address === 'object' && address !== null ? address.port : 0 }, async () => {
    server.close()
    await running?.stop(2_000)
    await Promise.all(pools.map((pool) => pool.end()))
  })
})

/** The business of `orders`: its row, and the event about it, in one transaction. */
function place(to: PostgresStore, { operation, key, isRefused, poison }: Order): Promise<void> {
  return to.transaction(async (tx, publish) => {
    const { rows } = await tx.query<{ sequence: number }>(
      `INSERT INTO counter (key, sequence) VALUES ($1, 1)
       ON CONFLICT (key) DO UPDATE SET sequence = counter.sequence + 1 RETURNING sequence`,
      [key],
    )
    const sequence = rows[0]?.sequence ?? 0
    await tx.query('INSERT INTO done (operation, key, sequence) VALUES ($1, $2, $3)', [operation, key, sequence])
    if (poison === null) publish(Placed({ operation, key, sequence, trouble: 'none', note: 'a note' }))
    else await publishRaw(tx, poison, { operation, key, sequence })
    if (isRefused) throw new Refused()
  })
}

/** Past everything that the toolkit checks, by the function that alone may write to the log. */
async function publishRaw(tx: Sql, kind: string, order: Parameters<(typeof poisons)[number]['payload']>[0]) {
  const payload = poisons.find((each) => each.kind === kind)?.payload(order) ?? '{}'
  await tx.query(
    `SELECT estafet.publish(ARRAY[gen_random_uuid()], ARRAY[$1], ARRAY[1]::smallint[], ARRAY[$2], ARRAY[$3],
      ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY[$4], false)`,
    [Placed.type, Placed.topic, order.key, payload],
  )
}

function subscription() {
  const effect = async (tx: Sql, handler: string, data: { operation: number; key: string; sequence: number }) => {
    await tx.query('INSERT INTO effect (handler, operation, key, sequence, process) VALUES ($1, $2, $3, $4, $5)', [
      ...[handler, data.operation, data.key, data.sequence, me],
    ])
  }
  const onPlaced = on(
    Placed,
    async ({ data }, { tx, publish }) => {
      await effect(tx, 'placed', data)
      await cause(data.trouble)
      await tx.query('INSERT INTO note (text) VALUES ($1)', [data.note])
      if (options.role === 'billing') {
        publish(Billed({ operation: data.operation, key: data.key, sequence: data.sequence }))
      }
    },
    impatient,
  )
  const onBilled = on(Billed, ({ data }, { tx }) => effect(tx, 'billed', data), impatient)
  const handlers = options.role === 'billing' ? [onPlaced] : [onPlaced, onBilled]
  return service<Sql>(options.role, { lanes: 4, batchSize: 20, handlers })
}

async function cause(trouble: 'none' | 'throw' | 'abort' | 'block' | 'late'): Promise<void> {
  if (trouble === 'throw') throw new Error('this order is never taken')
  if (trouble === 'abort') {
    // Node would print two stacks for each.
    closeSync(2)
    process.abort()
  }
  // For ever, but not beyond a supervisor that was killed itself.
  for (const parent = process.ppid; trouble === 'block' && process.ppid === parent; );
  if (trouble === 'late') await sleep(2 ** 30)
}

function reading() {
  const placed = postgresLog(connect(options.urls.orders), { source: 'orders' })
  const billed = postgresLog(connect(options.urls.billing), { source: 'billing' })
  return {
    ...{ leaseMs: options.leaseMs, logger: log },
    ...{ pace: { hotMs: 5, busyMs: 10, idleMs: 100 }, backOff: { firstMs: 20, maxMs: 1_000 } },
    ...(options.hasBreaker ? {} : { breaker: { window: 20, keys: 21, share: 1 } }),
    sources: options.role === 'billing' ? [placed] : [placed, billed],
  }
}

function tampered(right: PostgresStore): Store<Sql> {
  return options.mutant === null ? right : mutated(right, own, options.mutant)
}

function connect(url: string): pg.Pool {
  // A mutant that saves apart from COMMIT must do so before it.
  const pipeline = options.mutant === null
  const config: pg.PoolConfig & { readonly pipeline: boolean } = { connectionString: url, max: 10, pipeline }
  // Without it, an answer that never comes over a connection that never closes is waited for without end.
  const pool = new pg.Pool({ ...config, connectionTimeoutMillis: 3_000, query_timeout: 3_000 })
  pool.on('connect', (client) => void client.on('error', () => {}))
  pool.on('error', () => {})
  pools.push(pool)
  return pool
}

function nameOf(error: unknown): string {
  return isEstafetError(error) ? error.code : error instanceof Error ? error.message : typeof error
}
