import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { command, onReply, type Running, refuse, service, start } from 'estafet'
import { answer, migrate, postgres, postgresLog, type Sql } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'

const ReserveRoom = command('hotel.reserve-room', {
  ...{ version: 1, to: 'hotel', refusals: ['no-room'] },
  schema: z.object({ guest: z.string() }),
  reply: z.object({ room: z.int() }),
})
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const reading = {
  ...{ logger: silent, leaseMs: 1_000, backOff: { firstMs: 10, maxMs: 100 } },
  pace: { hotMs: 2, busyMs: 5, idleMs: 20 },
}
const rooms = 10
const guests = 50

describe('a service that others ask', () => {
  let server: PostgresServer
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => server.stop())

  async function hotel(work: (system: Awaited<ReturnType<typeof opened>>) => Promise<void>): Promise<void> {
    const system = await opened(server)
    try {
      await work(system)
    } finally {
      await system.stop()
    }
  }

  test('gives the last rooms to as many as there are rooms, refuses the others, and each once', () =>
    hotel(async ({ ask, replies, taken, until }) => {
      const all = Array.from({ length: guests }, (_, at) => `g-${at}`)
      // Everybody asks twice.
      await Promise.all([...all, ...all].map((guest) => ask('request', guest)))
      await until('all are answered', async () => (await replies()).length === 2 * guests)
      const answers = new Map<string, Set<string>>()
      for (const { step, outcome, room } of await replies()) {
        answers.set(step, (answers.get(step) ?? new Set()).add(`${outcome} ${room}`))
      }
      assert.ok(
        [...answers.values()].every((each) => each.size === 1),
        'each hears the same each time',
      )
      const outcomes = [...answers.values()].flatMap((each) => [...each])
      assert.equal(outcomes.filter((each) => each === 'refused null').length, guests - rooms)
      assert.deepEqual(
        outcomes.filter((each) => each.startsWith('done')).toSorted(),
        (await taken()).map(({ room }) => `done ${room}`).toSorted(),
      )
      assert.equal((await taken()).length, rooms)
    }))

  test('takes back what was done, never does what was taken back first, and says so', () =>
    hotel(async ({ ask, replies, taken, until }) => {
      const outcomesOf = async (guest: string) =>
        (await replies()).filter(({ step }) => step === `trip-${guest}/room`).map(({ outcome }) => outcome)
      let asked = 0
      // What takes back has a key of its own: in this order only because each is answered before the next.
      const answered = async (kind: 'request' | 'cancel', guest: string): Promise<void> => {
        await ask(kind, guest)
        asked += 1
        await until(`${asked} are answered`, async () => (await replies()).length === asked)
      }
      await answered('request', 'ada')
      await answered('cancel', 'ada')
      await answered('cancel', 'ada')
      await answered('cancel', 'bob')
      await answered('request', 'bob')
      await answered('request', 'eve')
      assert.deepEqual(await outcomesOf('ada'), ['done', 'cancelled', 'cancelled'])
      assert.deepEqual(await outcomesOf('bob'), ['cancelled', 'cancelled'])
      assert.deepEqual(await outcomesOf('eve'), ['done'])
      assert.deepEqual(
        (await taken()).map(({ guest }) => guest),
        ['eve'],
      )
    }))
})

interface Got {
  readonly step: string
  readonly outcome: string
  readonly room: number | null
}

async function opened(server: PostgresServer) {
  const at = Math.random().toString(36).slice(2, 8)
  const [booking, own] = [await made(server, `booking_${at}`), await made(server, `hotel_${at}`)]
  await booking.query('CREATE TABLE got (place bigserial, step text, outcome text, room int)')
  await own.query('CREATE TABLE room (room int PRIMARY KEY, guest text UNIQUE)')
  await own.query(`INSERT INTO room SELECT generate_series(1, ${rooms})`)
  const handlers = answer(
    ReserveRoom,
    async ({ data }, { tx }) => {
      // One after the other: else two want the same room, and one of them is refused although there are others.
      await tx.query('SELECT pg_advisory_xact_lock(7)')
      const { rows } = await tx.query<{ room: number }>(
        `UPDATE room SET guest = $1 WHERE room = (SELECT min(room) FROM room WHERE guest IS NULL) AND guest IS NULL
          RETURNING room`,
        [data.guest],
      )
      const [room] = rows
      return room ?? refuse('no-room')
    },
    {
      undo: async ({ result }, { tx }) =>
        void (await tx.query('UPDATE room SET guest = NULL WHERE room = $1', [result.room])),
    },
  )
  const running: Running[] = [
    await start(service<Sql>('hotel', { handlers: [...handlers], lanes: 4, batchSize: 5 }), {
      ...{ ...reading, store: postgres(own), sources: [postgresLog(booking, { source: 'booking' })] },
    }),
    await start(
      service<Sql>('booking', {
        handlers: [
          onReply(ReserveRoom, 'booking', async ({ data: { step, answer: given } }, { tx }) => {
            const room = given.outcome === 'done' ? given.result.room : null
            await tx.query('INSERT INTO got (step, outcome, room) VALUES ($1, $2, $3)', [step, given.outcome, room])
          }),
        ],
      }),
      { ...reading, store: postgres(booking), sources: [postgresLog(own, { source: 'hotel' })] },
    ),
  ]
  const store = postgres(booking)
  return {
    ask: (kind: 'request' | 'cancel', guest: string) =>
      store.transaction(async (_, publish) =>
        publish(
          ReserveRoom[kind]({
            ...{ step: `trip-${guest}/room`, owner: `trip-${guest}`, replyTo: 'booking', data: { guest } },
          }),
        ),
      ),
    replies: async (): Promise<readonly Got[]> =>
      (await booking.query('SELECT step, outcome, room FROM got ORDER BY place')).rows,
    taken: async (): Promise<readonly { room: number; guest: string }[]> =>
      (await own.query('SELECT room, guest FROM room WHERE guest IS NOT NULL ORDER BY room')).rows,
    async until(what: string, holds: () => Promise<boolean>) {
      const deadline = performance.now() + 60_000
      while (!(await holds())) {
        if (performance.now() > deadline) throw new Error(`It never came true: ${what}.`)
        await sleep(20)
      }
    },
    async stop() {
      await Promise.all(running.map((each) => each.stop()))
      await Promise.all([booking.end(), own.end()])
    },
  }
}

async function made(server: PostgresServer, database: string): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString: await newDatabase(server.adminUrl, database), max: 15 })
  pool.on('error', () => {})
  const owner = await pool.connect()
  await migrate(owner)
  owner.release()
  return pool
}
