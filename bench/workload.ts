import { event, service, start } from 'estafet'
import { migrate, onMany, type PostgresStore, postgres, postgresLog, type Sql } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../engines/postgres/provision.ts'
import type { PostgresServer } from '../engines/postgres/server.ts'

export const keys = 1000
/** Makes the payload about 170 bytes of JSON. */
const note = 'x'.repeat(90)

export const OrderPlaced = event('order.placed', {
  version: 1,
  schema: z.object({ orderId: z.string(), account: z.number(), amount: z.string(), note: z.string() }),
  key: ({ account }) => `account-${account}`,
})

/** The databases of one run: the producer's, with its business tables, and the subscriber's, with an account a key. */
export interface Workbench {
  readonly producerUrl: string
  readonly producer: pg.Pool
  readonly subscriber: pg.Pool
  close(): Promise<void>
}

export async function workbench(server: PostgresServer): Promise<Workbench> {
  const producerUrl = await made(server, 'producer')
  const subscriberUrl = await made(server, 'subscriber')
  const [producer, subscriber] = [connect(producerUrl, 18), connect(subscriberUrl, 12)]
  await producer.query('CREATE TABLE orders (id text PRIMARY KEY, account int NOT NULL, amount numeric NOT NULL)')
  // The floor of any outbox: an event row with one index, written by a plain statement.
  await producer.query(`CREATE TABLE floor_event (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now(),
    type text NOT NULL, key text NOT NULL, payload json NOT NULL)`)
  await subscriber.query('CREATE TABLE account (account int PRIMARY KEY, orders int NOT NULL) WITH (fillfactor = 50)')
  await subscriber.query(`INSERT INTO account SELECT g, 0 FROM generate_series(0, ${keys - 1}) g`)
  return {
    ...{ producerUrl, producer, subscriber },
    async close() {
      await Promise.all([producer.end(), subscriber.end()])
    },
  }
}

/** The same transaction as `placeOrders` makes, for pgbench, in one flush as our client sends it. */
export const floorScript = `\\set account random_zipfian(1, ${keys}, 1.001)
\\set id random(1, 9000000000000000)
\\startpipeline
BEGIN;
INSERT INTO orders (id, account, amount) VALUES (:id || '-' || :client_id, :account, 12.5);
INSERT INTO floor_event (type, key, payload) VALUES ('order.placed', 'account-' || :account,
  ('{"orderId":"' || :id || '","account":' || :account || ',"amount":"12.5","note":"${note}"}')::json);
COMMIT;
\\endpipeline
`

/** Places orders on `clients` connections for some seconds; returns how many committed. */
export async function placeOrders(
  store: PostgresStore,
  clients: number,
  ms: number,
  prefix: string,
  account: () => number = zipf,
): Promise<number> {
  const until = performance.now() + ms
  let placed = 0
  const client = async (number: number): Promise<void> => {
    for (let at = 0; performance.now() < until; at++) {
      const orderId = `${prefix}-${number}-${at}`
      const to = account()
      await store.transaction(async (tx, publish) => {
        await tx.query({
          name: 'insert-order',
          text: 'INSERT INTO orders (id, account, amount) VALUES ($1, $2, $3)',
          values: [orderId, to, '12.5'],
        })
        publish(OrderPlaced({ orderId, account: to, amount: '12.5', note }))
      })
      placed += 1
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)))
  return placed
}

/** The subscriber of the end-to-end workload: each order counts once on its account. */
export const accounts = service<Sql>('accounts', {
  lanes: 2,
  batchSize: 1000,
  handlers: [
    onMany(OrderPlaced, async (events, { tx }) => {
      await tx.query({
        name: 'count-orders',
        text: `UPDATE account SET orders = orders + c.n FROM (
          SELECT a, count(*)::int AS n FROM unnest($1::int[]) AS a GROUP BY a ORDER BY a) AS c WHERE account = c.a`,
        values: [events.map(({ data }) => data.account)],
      })
    }),
  ],
})

export function startAccounts(bench: Workbench) {
  const sources = [postgresLog(bench.producer, { source: 'producer' })]
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  return start(accounts, { store: postgres(bench.subscriber), sources, logger: silent })
}

async function made(server: PostgresServer, database: string): Promise<string> {
  const url = await newDatabase(server.adminUrl, database)
  const owner = new pg.Client({ connectionString: url })
  await owner.connect()
  await migrate(owner)
  await owner.end()
  return url
}

function connect(url: string, max: number): pg.Pool {
  const config: pg.PoolConfig & { pipeline: boolean } = { connectionString: url, max, pipeline: true }
  const pool = new pg.Pool(config)
  pool.on('error', () => {})
  return pool
}

const weights = Array.from({ length: keys }, (_, at) => 1 / (at + 1))
const sums = weights.map((_, at) => weights.slice(0, at + 1).reduce((sum, weight) => sum + weight, 0))

/** An account, each as likely as the other: hardly any two transactions at a time have a key in common. */
export function uniform(): number {
  return Math.floor(Math.random() * keys)
}

/** An account by Zipf's law with exponent 1: the first takes 13 % of all. */
export function zipf(): number {
  const drawn = Math.random() * (sums.at(-1) ?? 1)
  let [low, high] = [0, keys - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sums[middle] ?? 0) < drawn) low = middle + 1
    else high = middle
  }
  return low
}
