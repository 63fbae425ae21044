import { setTimeout as sleep } from 'node:timers/promises'
import type {
  BrokerDriver,
  EventStoreDriver,
  FlowDriver,
  InboxDriver,
  LaneDriver,
  LogDriver,
  LogFeedDriver,
  ParkingDriver,
  ReservationDriver,
  SagasDriver,
  SemanticLockDriver,
  StepFenceDriver,
  UnitOfWorkDriver,
  VaultDriver,
  WakeUpDriver,
} from 'estafet/contract'
import { eventOutbox } from 'estafet/contract'
import {
  migrate,
  postgres,
  postgresLog,
  postgresSink,
  postgresTopic,
  postgresVault,
  type Sql,
  type VaultOptions,
} from 'estafet/postgres'
import pg from 'pg'
import type { PostgresBinaries } from '../../engines/postgres/binaries.ts'
import { temporaryPostgres } from '../../engines/postgres/server.ts'
import { postgresEventStore } from '../../src/drivers/postgres/event-store.ts'
import { postgresFlowSearch } from '../../src/drivers/postgres/flow-search.ts'
import { postgresFlows } from '../../src/drivers/postgres/flows.ts'
import { postgresHoldSearch } from '../../src/drivers/postgres/hold-search.ts'
import { postgresInbox } from '../../src/drivers/postgres/inbox.ts'
import { postgresLog as eventLog } from '../../src/drivers/postgres/log.ts'
import { postgresOutbox } from '../../src/drivers/postgres/outbox.ts'
import { postgresParking } from '../../src/drivers/postgres/parking.ts'
import { postgresReservations } from '../../src/drivers/postgres/reservations.ts'
import { postgresRetries } from '../../src/drivers/postgres/retries.ts'
import { postgresSagaSearch } from '../../src/drivers/postgres/saga-search.ts'
import { postgresSagas } from '../../src/drivers/postgres/sagas.ts'
import { postgresSemanticLocks } from '../../src/drivers/postgres/semantic-locks.ts'
import { postgresStepFence } from '../../src/drivers/postgres/step-fence.ts'
import { postgresStreamIndex } from '../../src/drivers/postgres/stream-index.ts'
import { postgresAnnouncer } from '../../src/drivers/postgres/wake-up.ts'
import { logFeed } from '../../src/outbox/log-feed.ts'

/** A PostgreSQL on which each clause gets a database of its own. */
export interface PostgresContract {
  unitOfWorkDriver(): Promise<UnitOfWorkDriver<Sql>>
  logDriver(): Promise<LogDriver<Sql>>
  logFeedDriver(): Promise<LogFeedDriver<Sql>>
  wakeUpDriver(): Promise<WakeUpDriver>
  eventStoreDriver(): Promise<EventStoreDriver<Sql> & Pick<LogDriver<Sql>, 'outbox'>>
  laneDriver(): Promise<LaneDriver<Sql>>
  parkingDriver(): Promise<ParkingDriver<Sql> & InboxDriver<Sql>>
  brokerDriver(): Promise<BrokerDriver>
  sagasDriver(): Promise<SagasDriver<Sql>>
  stepFenceDriver(): Promise<StepFenceDriver<Sql>>
  holdsDriver(): Promise<ReservationDriver<Sql> & SemanticLockDriver<Sql>>
  flowDriver(): Promise<FlowDriver<Sql>>
  vaultDriver(): Promise<VaultDriver<Sql>>
  stop(): Promise<void>
}

export async function postgresContract(binaries: PostgresBinaries, isPipelining: boolean): Promise<PostgresContract> {
  const server = await temporaryPostgres({ binaries, settings: { fsync: 'off' } })
  const pools: pg.Pool[] = []
  const admin = new pg.Client({ connectionString: server.adminUrl })
  await admin.connect()
  await admin.query('CREATE DATABASE template_of_all')
  const first = new pg.Client({ connectionString: urlOf(server.adminUrl, 'template_of_all') })
  await first.connect()
  await migrate(first)
  await first.query('CREATE TABLE effect (place bigint GENERATED ALWAYS AS IDENTITY, says text)')
  await first.end()
  let databases = 0
  const fresh = async (): Promise<pg.Pool> => {
    const name = `clause_${databases++}`
    await admin.query(`CREATE DATABASE ${name} TEMPLATE template_of_all STRATEGY file_copy`)
    const config: pg.PoolConfig & { pipeline: boolean } = {
      connectionString: urlOf(server.adminUrl, name),
      max: 10,
      pipeline: isPipelining,
    }
    const pool = new pg.Pool(config)
    pool.on('error', () => {})
    pools.push(pool)
    return pool
  }
  const begin = async (pool: pg.Pool) => {
    const client = await pool.connect()
    await client.query('BEGIN')
    const end = (word: string) => async () => {
      await client.query(word)
      client.release()
    }
    const undone = async (work: () => Promise<void>) => {
      await client.query('SAVEPOINT before')
      await work()
      await client.query('ROLLBACK TO before')
    }
    return { tx: client, undone, commit: end('COMMIT'), rollback: end('ROLLBACK') }
  }
  const note = async (tx: Sql, effect: string) =>
    void (await tx.query('INSERT INTO effect (says) VALUES ($1)', [effect]))
  const notes = async (pool: pg.Pool) =>
    (await pool.query<{ says: string }>('SELECT says FROM effect ORDER BY place')).rows.map(({ says }) => says)
  return {
    async logDriver() {
      const pool = await fresh()
      return {
        outbox: postgresOutbox(),
        log: postgresLog(pool, { source: 'orders' }).log,
        begin: () => begin(pool),
        outside: () => Promise.resolve(pool),
        moment: () => sleep(150),
      }
    },
    async eventStoreDriver() {
      const pool = await fresh()
      const events = postgresEventStore(pool, { source: 'orders' })
      return {
        events,
        index: postgresStreamIndex(pool, { source: 'orders' }),
        outbox: eventOutbox(events),
        log: eventLog(pool, { source: 'orders', of: 'events' }),
        begin: () => begin(pool),
        outside: () => Promise.resolve(pool),
        moment: () => sleep(150),
      }
    },
    async logFeedDriver() {
      const pool = await fresh()
      const { log } = postgresLog(pool, { source: 'orders' })
      return {
        outbox: postgresOutbox(),
        begin: () => begin(pool),
        feed: () => logFeed(log, { lanes: 2 }),
        moment: () => sleep(20),
      }
    },
    async unitOfWorkDriver() {
      const pool = await fresh()
      return {
        unitOfWork: postgres(pool).unitOfWork,
        note,
        notes: () => notes(pool),
        fail: async (tx) => void (await tx.query('SELECT 1 / 0')),
        async cut(tx) {
          const [row] = (await tx.query('SELECT pg_backend_pid() AS pid')).rows
          await admin.query('SELECT pg_terminate_backend($1, 5000)', [row?.['pid']])
        },
      }
    },
    async wakeUpDriver() {
      const pool = await fresh()
      return {
        announcer: () => postgresAnnouncer(pool),
        wakeUp: () => postgresLog(pool, { source: 'orders' }).wakeUp(),
        pass: (ms) => sleep(ms),
      }
    },
    async laneDriver() {
      const pool = await fresh()
      const { lanes, unitOfWork } = postgres(pool)
      return {
        lanes,
        unitOfWork,
        note,
        notes: () => notes(pool),
        lapse: (ms) => sleep(ms + 20),
      }
    },
    async parkingDriver() {
      const pool = await fresh()
      const { lanes, unitOfWork } = postgres(pool)
      return {
        inbox: postgresInbox(pool),
        parking: postgresParking(pool),
        retries: postgresRetries(pool),
        lanes,
        unitOfWork,
        begin: () => begin(pool),
        note,
        notes: () => notes(pool),
        lapse: (ms) => sleep(ms + 20),
        moment: () => sleep(100),
        pause: async (subscription) =>
          void (await pool.query(
            `INSERT INTO estafet.paused_subscription (subscription, paused_by) VALUES ($1, 'me')`,
            [subscription],
          )),
      }
    },
    async stepFenceDriver() {
      const pool = await fresh()
      return {
        fence: postgresStepFence(),
        unitOfWork: postgres(pool).unitOfWork,
        begin: () => begin(pool),
        moment: () => sleep(100),
      }
    },
    async sagasDriver() {
      const pool = await fresh()
      return {
        sagas: postgresSagas(),
        search: postgresSagaSearch(pool),
        unitOfWork: postgres(pool).unitOfWork,
        begin: () => begin(pool),
        moment: () => sleep(100),
        lapse: (ms) => sleep(ms + 20),
        async now() {
          const { rows } = await pool.query('SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms')
          return Math.floor(Number(rows[0]?.ms))
        },
      }
    },
    async holdsDriver() {
      const pool = await fresh()
      return {
        reservations: postgresReservations(),
        locks: postgresSemanticLocks(),
        search: postgresHoldSearch(pool),
        unitOfWork: postgres(pool).unitOfWork,
        begin: () => begin(pool),
        moment: () => sleep(100),
        async age(ms) {
          const older = `clock_timestamp() - interval '${ms} ms'`
          await pool.query(`UPDATE estafet.reservation SET held_at = ${older}`)
          await pool.query(`UPDATE estafet.semantic_lock SET taken_at = ${older}`)
        },
      }
    },
    async flowDriver() {
      const pool = await fresh()
      return {
        flows: postgresFlows(),
        search: postgresFlowSearch(pool),
        unitOfWork: postgres(pool).unitOfWork,
        begin: () => begin(pool),
        moment: () => sleep(100),
      }
    },
    async vaultDriver() {
      const pool = await fresh()
      const secrets: VaultOptions['secrets'] = [{ id: '1', key: new Uint8Array(32).fill(7) }]
      return { vault: postgresVault(pool, { secrets }), unitOfWork: postgres(pool).unitOfWork }
    },
    async brokerDriver() {
      const pool = await fresh()
      return { sink: postgresSink(pool, { name: 'broker' }), feed: (topic) => postgresTopic(pool, topic).feed }
    },
    async stop() {
      await Promise.all(pools.map((pool) => pool.end()))
      await admin.end()
      await server.stop()
    },
  }
}

function urlOf(adminUrl: string, database: string): string {
  const url = new URL(adminUrl)
  url.pathname = `/${database}`
  return url.href
}
