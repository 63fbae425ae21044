import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { event, logger, type Running, type Sink, service, start, startRelay } from 'estafet'
import { migrate, on, postgres, postgresLog, type Sql } from 'estafet/postgres'
import { type RedisClient, redisSink, redisTopic } from 'estafet/redis'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../../engines/postgres/provision.ts'
import type { PostgresServer } from '../../engines/postgres/server.ts'
import { type RedisServer, temporaryRedis } from '../../engines/redis/server.ts'
import { connected } from '../contract/redis-driver.ts'

export const Counted = event('work.counted', {
  version: 1,
  schema: z.object({ key: z.string(), sequence: z.number() }),
  key: ({ key }) => key,
})

export interface RedisSystemOptions {
  readonly shards: number
  readonly resp: 2 | 3
  /** Goes between the relay and its client, or its sink. */
  readonly client?: (client: RedisClient) => RedisClient
  readonly sink?: (sink: Sink) => Sink
  readonly acceptsLoss?: boolean
}

/** A log and a subscriber in PostgreSQL, a Redis between them, a relay and two processes' worth of subscriber. */
export interface RedisSystem {
  readonly redis: RedisServer
  readonly relay: Running
  readonly subscribers: readonly Running[]
  /** Codes of the errors that the subscribers logged. */
  readonly errors: ReadonlySet<string>
  /** Publishes the next number of each key, one transaction each. */
  publish(keys: readonly string[]): Promise<void>
  /** What took effect, by key, in order. */
  effects(): Promise<Readonly<Record<string, readonly number[]>>>
  /** What was published, by key, in order. */
  published(): Readonly<Record<string, readonly number[]>>
  command(...words: readonly string[]): Promise<unknown>
  stop(): Promise<void>
}

const reading = { leaseMs: 1_000, backOff: { firstMs: 10, maxMs: 200 }, pace: { hotMs: 2, busyMs: 5, idleMs: 20 } }
let systems = 0

export async function redisSystem(server: PostgresServer, options: RedisSystemOptions): Promise<RedisSystem> {
  const redis = await temporaryRedis()
  const name = `redis_${systems++}`
  const [source, target] = [await made(server, `${name}_source`), await made(server, `${name}_target`)]
  const clients = await Promise.all([1, 2, 3].map(() => connected(redis, options.resp)))
  const [relayClient, ...readers] = clients
  if (relayClient === undefined) throw new Error('there is a client')
  const errors = new Set<string>()
  const log = (service: string) =>
    logger({
      service,
      format: 'json',
      write(line) {
        const error: unknown = JSON.parse(line).error
        if (typeof error === 'string' && service === 'reader') errors.add(error)
        if (process.env['REDIS_LOG'] !== undefined) appendFileSync(process.env['REDIS_LOG'], `${line}\n`)
      },
    })
  const store = postgres(source)
  const sink = redisSink(options.client?.(relayClient) ?? relayClient, {
    ...{ name: 'redis', shards: options.shards },
    ...(options.acceptsLoss === undefined ? {} : { acceptsLoss: options.acceptsLoss }),
  })
  const relay = await startRelay({
    ...{ ...reading, store, logger: log('relay'), batchSize: 20, sink: options.sink?.(sink) ?? sink },
    source: postgresLog(source, { source: 'source' }),
  })
  const handler = on(Counted, async ({ data }, { tx }) => {
    await tx.query('INSERT INTO effect (key, sequence) VALUES ($1, $2)', [data.key, data.sequence])
  })
  const subscription = service<Sql>('reader', { batchSize: 15, handlers: [handler] })
  const subscribers = await Promise.all(
    readers.map((client) =>
      start(subscription, {
        ...{ ...reading, store: postgres(target), logger: log('reader') },
        sources: [redisTopic(client, { topic: Counted.topic, group: 'reader' })],
      }),
    ),
  )
  const numbers = new Map<string, number>()
  return {
    ...{ redis, relay, subscribers, errors },
    async publish(keys) {
      for (const key of keys) {
        const sequence = (numbers.get(key) ?? 0) + 1
        await store.transaction(async (_, publish) => publish(Counted({ key, sequence })))
        numbers.set(key, sequence)
      }
    },
    async effects() {
      const { rows } = await target.query<{ key: string; sequence: number }>('SELECT * FROM effect ORDER BY place')
      return byKey(rows)
    },
    published: () =>
      byKey(
        [...numbers].flatMap(([key, last]) => Array.from({ length: last }, (_, at) => ({ key, sequence: at + 1 }))),
      ),
    command: (...words) => relayClient.sendCommand(words),
    async stop() {
      await Promise.all([relay, ...subscribers].map((running) => running.stop(2_000)))
      for (const client of clients) client.destroy()
      await Promise.all([source.end(), target.end(), redis.stop()])
    },
  }
}

/** Waits until it holds, for a minute at most; returns whether it does. */
export async function comesTrue(holds: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + 60_000
  while (!(await holds())) {
    if (performance.now() > deadline) return false
    await sleep(50)
  }
  return true
}

function byKey(rows: readonly { key: string; sequence: number }[]): Readonly<Record<string, readonly number[]>> {
  const groups = [...Map.groupBy(rows, ({ key }) => key)].sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(groups.map(([key, found]) => [key, found.map(({ sequence }) => sequence)]))
}

async function made(server: PostgresServer, database: string): Promise<pg.Pool> {
  const url = await newDatabase(server.adminUrl, database)
  const config: pg.PoolConfig & { pipeline: boolean } = { connectionString: url, max: 40, pipeline: true }
  const pool = new pg.Pool(config)
  pool.on('error', () => {})
  const client = await pool.connect()
  await migrate(client)
  // Without unique constraints: an effect that happened twice must show.
  await client.query(
    'CREATE TABLE effect (place bigint GENERATED ALWAYS AS IDENTITY, key text NOT NULL, sequence int NOT NULL)',
  )
  client.release()
  return pool
}
