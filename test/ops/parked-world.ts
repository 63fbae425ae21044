import type { Failure, Lane, StoredMessage } from 'estafet'
import { migrate, type PostgresStore, postgres } from 'estafet/postgres'
import pg from 'pg'
import type { PostgresBinaries } from '../../engines/postgres/binaries.ts'
import { provisionDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { postgresOperations } from '../../src/drivers/postgres/operations.ts'
import { postgresParking } from '../../src/drivers/postgres/parking.ts'
import { postgresRetries } from '../../src/drivers/postgres/retries.ts'
import type { Attempt } from '../../src/ports/retries.ts'

export const subscription = 'billing'
export const feed = 'log:orders'
const owner = { name: 'billing_owner', password: 'a' }
const login = { name: 'billing', password: 'b' }

/** A service's database in which messages fail and are tried again, as its login sees it and nothing more. */
export type ParkedWorld = Awaited<ReturnType<typeof parkedWorld>>

/** Starts a server for a test file; each `fresh` is a database of its own. */
export async function parkedServer(binaries: PostgresBinaries) {
  const server = await temporaryPostgres({ binaries, settings: { fsync: 'off' } })
  const worlds: ParkedWorld[] = []
  let databases = 0
  return {
    async fresh(): Promise<ParkedWorld> {
      const world = await parkedWorld(server, `billing_${databases++}`)
      worlds.push(world)
      return world
    },
    async stop() {
      await Promise.all(worlds.map((world) => world.close()))
      await server.stop()
    },
  }
}

async function parkedWorld(server: PostgresServer, database: string) {
  await provisionDatabase(server.adminUrl, { database, owner, logins: [login] })
  const client = new pg.Client({ connectionString: server.url(database, owner.name, owner.password) })
  await client.connect()
  await migrate(client, { services: [login.name] })
  await client.query(`CREATE TABLE invoice (id text PRIMARY KEY, total numeric CHECK (total >= 0));
    GRANT SELECT, INSERT, UPDATE, DELETE ON invoice TO ${login.name};
    GRANT CREATE ON SCHEMA public TO ${login.name}`)
  const pool = new pg.Pool({ connectionString: server.url(database, login.name, login.password), max: 8 })
  pool.on('error', () => {})
  const store: PostgresStore = postgres(pool)
  const [parking, retries] = [postgresParking(pool), postgresRetries(pool)]
  const group = { subscription, feed, epoch: 'e', starts: [0n, 0n], isNewEpochAccepted: true }
  await store.lanes.survey(group, { owner: 'me', leaseMs: 60_000, working: [] })
  const lane: Lane = {
    ...{ group, index: 0, owner: 'me', fence: 1n, abandoned: 0 },
    ...{ cursor: 0n, marks: {} },
  }
  const park = (message: StoredMessage, failure: Failure | null): Promise<void> =>
    store.unitOfWork.run((tx) => parking.park(tx, lane, [{ message, failure }]))
  const begin = (key: string): Promise<Attempt | null> =>
    retries.begin({ group, key }, { owner: 'me', serviceVersion: '1' }, 60_000)
  return {
    pool,
    store,
    group,
    operations: postgresOperations(pool),
    /** A client of the database's owner. */
    owner: client,
    park,
    /** Tries the first message of a key as the runtime does; what it came to. */
    async attempt(key: string, comesTo: 'applied' | 'failed'): Promise<Attempt | null> {
      const attempt = await begin(key)
      if (attempt === null) return null
      if (comesTo === 'applied') await store.unitOfWork.run((tx) => retries.applied(tx, attempt))
      else await retries.failed(attempt, failure('again'))
      return attempt
    },
    begin,
    async parkDead(count: number, more: { keys?: number; isBlocking?: boolean } = {}): Promise<void> {
      for (let at = 1; at <= count; at++) {
        const key = `k${at % (more.keys ?? count)}`
        await park(messageOf(at, key), failure('no such account', more.isBlocking ?? true))
      }
    },
    async close() {
      await Promise.all([pool.end(), client.end()])
    },
  }
}

export function messageOf(position: number, key: string, data: unknown = { id: key, total: 5 }): StoredMessage {
  return {
    ...{ id: `m-${position}`, type: 'order.placed', version: 1, topic: 'order', key, correlationId: 'c' },
    ...{ causationId: null, traceparent: null, headers: {}, payload: JSON.stringify(data), source: 'orders' },
    ...{ epoch: 'e', position: BigInt(position), time: '2026-01-02T03:04:05.000006Z' },
  }
}

export function failure(errorMessage: string, blocks = true): Failure {
  return {
    ...{ handler: 'order.placed', errorName: 'Error', errorMessage, stack: '    at x', fingerprint: 'f1' },
    ...{ serviceVersion: '1', owner: 'me', tries: 1, next: { kind: 'dead', blocks } },
  }
}
