import { setTimeout as sleep } from 'node:timers/promises'
import { command, compensate, type LogSource, type Running, type RunningSagas, refuse, service, start } from 'estafet'
import { answer, migrate, postgres, postgresLog, type Sql, saga, sagas } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../../engines/postgres/provision.ts'
import type { PostgresServer } from '../../engines/postgres/server.ts'

export const ReserveRoom = command('hotel.reserve-room', {
  ...{ version: 1, to: 'hotel', refusals: ['no-room'] },
  schema: z.object({ guest: z.string() }),
  reply: z.object({ room: z.int() }),
})
export const ReserveCar = command('car.reserve-car', {
  ...{ version: 1, to: 'car', refusals: ['no-car'] },
  schema: z.object({ guest: z.string() }),
  reply: z.object({ car: z.int() }),
})
export const ChargeCard = command('payment.charge-card', {
  ...{ version: 1, to: 'payment', refusals: ['declined'] },
  schema: z.object({ guest: z.string(), cents: z.int() }),
  reply: z.object({}),
})

export const uses = [ReserveRoom, ReserveCar, ChargeCard]
export const input = z.object({ guest: z.string(), wantsCar: z.boolean() })
export const quickly = { backOff: { firstMs: 20, maxMs: 200 }, attentionAfter: 4 }

/** A trip as systems.md has it: all of it takes effect, or nothing. Each answer is waited for so long. */
export const tripOf = (type: string, timeoutMs: number, version = 1, continues: readonly number[] = []) =>
  saga(type, {
    ...{ version, input, uses, continues, ...quickly },
    async run(steps, { guest, wantsCar }) {
      await steps.run('create', ({ tx }) => says(tx, guest, 'BOOKING_CREATED'), {
        undo: async (_, { tx }) => says(tx, guest, 'COMPENSATED'),
      })
      const room = await steps.request('room', ReserveRoom, { guest }, { timeoutMs })
      if (room.outcome !== 'done') return compensate(room.outcome === 'refused' ? room.refusal : 'no answer')
      if (wantsCar) {
        const car = await steps.request('car', ReserveCar, { guest }, { timeoutMs })
        if (car.outcome !== 'done') return compensate(car.outcome === 'refused' ? car.refusal : 'no answer')
      }
      const paid = await steps.request('charge', ChargeCard, { guest, cents: 100 }, { timeoutMs })
      if (paid.outcome !== 'done') return compensate(paid.outcome === 'refused' ? paid.refusal : 'no answer')
      await steps.run('complete', ({ tx }) => says(tx, guest, version === 1 ? 'COMPLETED' : `COMPLETED by ${version}`))
      return { room: room.result.room }
    },
  })
export type TripSaga = ReturnType<typeof tripOf>
export const Trip = tripOf('trip', 600_000)
/** Waits only a little. */
export const HastyTrip = tripOf('hasty-trip', 400)

export async function says(tx: Sql, guest: string, state: string): Promise<void> {
  await tx.query(
    'INSERT INTO trip (guest, state) VALUES ($1, $2) ON CONFLICT (guest) DO UPDATE SET state = excluded.state',
    [guest, state],
  )
}

export const silent = { debug() {}, info() {}, warn() {}, error() {} }
export const reading = {
  ...{ leaseMs: 1_000, backOff: { firstMs: 10, maxMs: 100 } },
  pace: { hotMs: 2, busyMs: 5, idleMs: 20 },
}
const schemas = {
  booking: 'CREATE TABLE trip (guest text PRIMARY KEY, state text NOT NULL)',
  hotel: 'CREATE TABLE room (room int PRIMARY KEY, guest text UNIQUE)',
  car: 'CREATE TABLE car (car int PRIMARY KEY, guest text UNIQUE)',
  // A refund is an entry of its own.
  payment: 'CREATE TABLE ledger (number bigserial PRIMARY KEY, guest text NOT NULL, cents int NOT NULL)',
}
export type Place = keyof typeof schemas
export type Pools = Readonly<Record<Place, pg.Pool>>

export async function newDatabases(
  server: PostgresServer,
  { rooms = 3, cars = 3 } = {},
): Promise<Record<Place, string>> {
  const at = Math.random().toString(36).slice(2, 8)
  const urls: Partial<Record<Place, string>> = {}
  for (const place of Object.keys(schemas) as Place[]) {
    const url = await newDatabase(server.adminUrl, `${place}_${at}`)
    const client = new pg.Client(url)
    await client.connect()
    await migrate(client)
    await client.query(schemas[place])
    if (place === 'hotel') await client.query('INSERT INTO room SELECT generate_series(1, $1::int)', [rooms])
    if (place === 'car') await client.query('INSERT INTO car SELECT generate_series(1, $1::int)', [cars])
    await client.end()
    urls[place] = url
  }
  return urls as Record<Place, string>
}

export function poolsOf(urls: Record<Place, string>): Pools {
  const pool = (url: string): pg.Pool => {
    const made = new pg.Pool({ connectionString: url, max: 10 })
    made.on('error', () => {})
    return made
  }
  const { booking, hotel, car, payment } = urls
  return { booking: pool(booking), hotel: pool(hotel), car: pool(car), payment: pool(payment) }
}

/** What a participant does before its own work, to be in trouble. */
export type Trouble = (what: 'reserve' | 'release', guest: string) => Promise<void>

async function seat(tx: Sql, thing: 'room' | 'car', guest: string): Promise<number | null> {
  // One after the other: else two want the same one, and one of them is refused although there are others.
  await tx.query('SELECT pg_advisory_xact_lock(7)')
  const { rows } = await tx.query<{ n: number }>(
    `UPDATE ${thing} SET guest = $1 WHERE ${thing} = (SELECT min(${thing}) FROM ${thing} WHERE guest IS NULL)
      RETURNING ${thing} AS n`,
    [guest],
  )
  return rows[0]?.n ?? null
}

/** The services that are asked, each with its own database. Who is asked twice has it twice, but for the fence. */
export async function startParticipants(
  pools: Pools,
  trouble: Trouble = () => Promise.resolve(),
  places: readonly Exclude<Place, 'booking'>[] = ['hotel', 'car', 'payment'],
): Promise<readonly Running[]> {
  const handlers = {
    hotel: answer(
      ReserveRoom,
      async ({ data: { guest } }, { tx }) => {
        await trouble('reserve', guest)
        const room = await seat(tx, 'room', guest)
        return room === null ? refuse('no-room') : { room }
      },
      {
        async undo({ data: { guest }, result }, { tx }) {
          await trouble('release', guest)
          await tx.query('UPDATE room SET guest = NULL WHERE room = $1 AND guest = $2', [result.room, guest])
        },
        // As often as it takes: else a person would be asked.
        retry: [{ delayed: 100, backOff: { firstMs: 20, maxMs: 100 } }],
      },
    ),
    car: answer(
      ReserveCar,
      async ({ data: { guest } }, { tx }) => {
        const car = await seat(tx, 'car', guest)
        return car === null ? refuse('no-car') : { car }
      },
      {
        undo: async ({ data: { guest }, result }, { tx }) =>
          void (await tx.query('UPDATE car SET guest = NULL WHERE car = $1 AND guest = $2', [result.car, guest])),
      },
    ),
    payment: answer(
      ChargeCard,
      async ({ data: { guest, cents } }, { tx }) => {
        if (guest.startsWith('poor')) return refuse('declined')
        await tx.query('INSERT INTO ledger (guest, cents) VALUES ($1, $2)', [guest, cents])
        return {}
      },
      {
        undo: async ({ data: { guest, cents } }, { tx }) =>
          void (await tx.query('INSERT INTO ledger (guest, cents) VALUES ($1, $2)', [guest, -cents])),
      },
    ),
  }
  return Promise.all(
    places.map((place) =>
      start(service<Sql>(place, { handlers: [...handlers[place]], batchSize: 5 }), {
        ...{
          ...reading,
          logger: silent,
          store: postgres(pools[place]),
          sources: [postgresLog(pools.booking, { source: 'booking' })],
        },
      }),
    ),
  )
}

export interface Booking {
  readonly running: Running
  readonly sagas: ReturnType<typeof sagas>
  begin(guest: string, saga?: TripSaga, wantsCar?: boolean): Promise<boolean>
  stop(): Promise<void>
}

/** The service that books. */
export async function startBooking(
  pools: Pools,
  {
    of = [Trip, HastyTrip],
    sources,
  }: { readonly of?: readonly TripSaga[]; readonly sources?: (place: Place) => LogSource } = {},
): Promise<Booking> {
  const store = postgres(pools.booking)
  const own = sagas(pools.booking, { service: 'booking', of, store, logger: silent })
  const sourceOf = sources ?? ((place: Place) => postgresLog(pools[place], { source: place }))
  // First: it is refused when a saga changed under its version.
  const loop: RunningSagas = await own.start({ lookMs: 20, backOff: reading.backOff })
  const running = await start(service<Sql>('booking', { handlers: [...own.handlers], batchSize: 5 }), {
    ...{ ...reading, logger: silent, store },
    sources: (['hotel', 'car', 'payment'] as const).map(sourceOf),
  })
  return {
    sagas: own,
    running,
    begin: (guest, saga = Trip, wantsCar = true) =>
      store.transaction((tx, publish) => own.begin({ tx, publish }, saga, `trip-${guest}`, { guest, wantsCar })),
    async stop() {
      await Promise.all([running.stop(2_000), loop.stop(2_000)])
    },
  }
}

/** What there is, in all places. */
export interface Totals {
  readonly trips: Readonly<Record<string, string>>
  readonly rooms: readonly string[]
  readonly cars: readonly string[]
  readonly cents: Readonly<Record<string, number>>
  readonly charges: number
}

export async function totals({ booking, hotel, car, payment }: Pools): Promise<Totals> {
  const [trips, rooms, cars, ledger] = await Promise.all([
    booking.query<{ guest: string; state: string }>('SELECT guest, state FROM trip'),
    hotel.query<{ guest: string }>('SELECT guest FROM room WHERE guest IS NOT NULL ORDER BY guest'),
    car.query<{ guest: string }>('SELECT guest FROM car WHERE guest IS NOT NULL ORDER BY guest'),
    payment.query<{ guest: string; cents: number }>(
      'SELECT guest, sum(cents)::int AS cents FROM ledger GROUP BY guest',
    ),
  ])
  const charges = await payment.query<{ n: number }>('SELECT count(*)::int AS n FROM ledger WHERE cents > 0')
  return {
    trips: Object.fromEntries(trips.rows.map(({ guest, state }) => [guest, state])),
    rooms: rooms.rows.map(({ guest }) => guest),
    cars: cars.rows.map(({ guest }) => guest),
    cents: Object.fromEntries(ledger.rows.map(({ guest, cents }) => [guest, cents])),
    charges: charges.rows[0]?.n ?? 0,
  }
}

export async function until(what: string, holds: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`It never came true: ${what}.`)
    await sleep(10)
  }
}

export interface TripSystem extends Booking {
  readonly pools: Pools
}

export interface TripOptions {
  readonly rooms?: number
  readonly cars?: number
  readonly trouble?: Trouble
  /** How the logs of the others look to the service that books. (Default: as they are.) */
  readonly sources?: (log: LogSource) => LogSource
}

export async function withTrips(
  server: PostgresServer,
  work: (system: TripSystem) => Promise<void>,
  { rooms, cars, trouble, sources }: TripOptions = {},
): Promise<void> {
  const urls = await newDatabases(server, {
    ...(rooms === undefined ? {} : { rooms }),
    ...(cars === undefined ? {} : { cars }),
  })
  const pools = poolsOf(urls)
  const participants = await startParticipants(pools, trouble)
  const seen = (place: Place): LogSource => (sources ?? ((log) => log))(postgresLog(pools[place], { source: place }))
  const booking = await startBooking(pools, { sources: seen })
  try {
    await work({ ...booking, pools })
  } finally {
    await booking.stop()
    await Promise.all(participants.map((each) => each.stop(2_000)))
    await Promise.all(Object.values(pools).map((pool) => pool.end()))
  }
}
