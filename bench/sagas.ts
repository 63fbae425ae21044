// What a saga costs the service that runs it: `npm run bench:sagas -- --sagas 300 --steps 4 --rounds 3`.
// Commits and WAL per step, on a server that nobody else uses; the services that are asked have a server of their own. The others are
// what announcements and leases write, for which nobody waits.
import { parseArgs } from 'node:util'
import { command, type Running, service, start } from 'estafet'
import { answer, migrate, postgres, postgresLog, type Sql, saga, sagas } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../engines/postgres/server.ts'

const { values } = parseArgs({
  options: {
    sagas: { type: 'string', default: '300' },
    steps: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
  },
})
const [count, steps, rounds] = [Number(values.sagas), Number(values.steps), Number(values.rounds)]
const schema = z.object({ note: z.string() })
const Do = command('worker.do', { version: 1, to: 'worker', schema, reply: z.object({ ok: z.boolean() }) })
const note = 'x'.repeat(100)
const Chain = saga('chain', {
  ...{ version: 1, input: schema, uses: [Do] },
  async run(own) {
    for (let at = 0; at < steps; at++) await own.request(`step-${at}`, Do, { note })
    return { done: steps }
  },
})
const silent = { debug() {}, info() {}, warn() {}, error() {} }

interface Counted {
  readonly writes: number
  readonly wal: number
}

async function counted(pool: pg.Pool): Promise<Counted> {
  // Transactions that wrote something: each of them, and no other, takes a number.
  const { rows } = await pool.query<{ writes: string; wal: string }>(
    `SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS writes, pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS wal`,
  )
  return { writes: Number(rows[0]?.writes), wal: Number(rows[0]?.wal) }
}

async function opened(server: PostgresServer, name: string): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString: await newDatabase(server.adminUrl, name), max: 15 })
  pool.on('error', () => {})
  const owner = await pool.connect()
  await migrate(owner)
  owner.release()
  return pool
}

/** The same turns without sagas: a row changed and a message published, one after the other. */
async function floor(pool: pg.Pool, turns: number): Promise<void> {
  const store = postgres(pool)
  await pool.query('CREATE TABLE IF NOT EXISTS floor (id text PRIMARY KEY, n int NOT NULL, note text)')
  for (let at = 0; at < turns; at++) {
    await store.transaction(async (tx, publish) => {
      await tx.query(
        'INSERT INTO floor VALUES ($1, 1, $2) ON CONFLICT (id) DO UPDATE SET n = floor.n + 1, note = excluded.note',
        [`f-${at % count}`, note],
      )
      publish(Do.request({ step: `s-${at}`, owner: `f-${at % count}`, replyTo: 'nobody', data: { note } }))
    })
  }
}

const line = (...cells: readonly (string | number)[]): void =>
  console.log(cells.map((cell, at) => String(cell).padStart(at === 0 ? 34 : 14)).join(''))

const own = await temporaryPostgres({ settings: { autovacuum: 'off' } })
const theirs = await temporaryPostgres({})
const running: Running[] = []
try {
  line('per step', 'commits', 'others', 'WAL bytes', 'steps/s')
  for (let round = 1; round <= rounds; round++) {
    const [booking, worker] = [await opened(own, `own_${round}`), await opened(theirs, `theirs_${round}`)]
    const plain = postgres(booking)
    let commits = 0
    const store: typeof plain = {
      ...plain,
      unitOfWork: {
        async run(work, last) {
          const result = await plain.unitOfWork.run(work, last)
          commits += 1
          return result
        },
      },
    }
    const chains = sagas(booking, { service: 'booking', of: [Chain], store, logger: silent })
    const options = { logger: silent, pace: { hotMs: 2, busyMs: 5, idleMs: 50 } }
    const work = answer(Do, async () => ({ ok: true }), { undo: async () => {} })
    running.push(
      await start(service<Sql>('booking', { handlers: [...chains.handlers], batchSize: 1 }), {
        ...{ ...options, store, sources: [postgresLog(worker, { source: 'worker' })] },
      }),
      await start(service<Sql>('worker', { handlers: [...work] }), {
        ...{ ...options, store: postgres(worker), sources: [postgresLog(booking, { source: 'booking' })] },
      }),
    )
    const before = await counted(booking)
    commits = 0
    const startMs = performance.now()
    for (let at = 0; at < count; at++) {
      await plain.transaction((tx, publish) => chains.begin({ tx, publish }, Chain, `c-${round}-${at}`, { note }))
      commits += 1
    }
    for (;;) {
      const open = await booking.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM estafet.saga WHERE status = 'running'`,
      )
      if (open.rows[0]?.n === 0) break
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const tookMs = performance.now() - startMs
    const after = await counted(booking)
    await Promise.all(running.splice(0).map((each) => each.stop()))
    const turns = await booking.query<{ n: number }>(`SELECT count(*)::int AS n FROM estafet.saga_step`)
    const all = turns.rows[0]?.n ?? 1
    line(
      `round ${round}, ${count} sagas of ${steps} requests`,
      (commits / all).toFixed(2),
      ((after.writes - before.writes - commits) / all).toFixed(2),
      Math.round((after.wal - before.wal) / all),
      Math.round(all / (tookMs / 1_000)),
    )
    const [floorBefore, floorMs] = [await counted(booking), performance.now()]
    await floor(booking, count * steps)
    const floorTook = performance.now() - floorMs
    const floorAfter = await counted(booking)
    line(
      'a row and a message, by themselves',
      '1.00',
      ((floorAfter.writes - floorBefore.writes) / (count * steps) - 1).toFixed(2),
      Math.round((floorAfter.wal - floorBefore.wal) / (count * steps)),
      Math.round((count * steps) / (floorTook / 1_000)),
    )
    await Promise.all([booking.end(), worker.end()])
  }
} finally {
  await Promise.all(running.map((each) => each.stop()))
  await Promise.all([own.stop(), theirs.stop()])
}
