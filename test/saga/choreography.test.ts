import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Flow, flow, type Running, service, start } from 'estafet'
import { flowSearch, follow, migrate, on, postgres, postgresLog, type Sql } from 'estafet/postgres'
import pg from 'pg'
import { newDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import {
  CarRefused,
  CarReserved,
  RoomRefused,
  RoomReleased,
  RoomReserved,
  Trip,
  TripRequested,
} from '../docs/choreography/trip.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const reading = {
  ...{ logger: silent, leaseMs: 1_000, backOff: { firstMs: 10, maxMs: 100 } },
  pace: { hotMs: 2, busyMs: 5, idleMs: 20 },
}
const everything = { flow: null, status: null, isOverdue: false }
const page = { after: null, limit: 100 }
const trips = 40

/** The same trip, for people in a hurry. */
const hasty = flow('hasty-trip', {
  begins: TripRequested,
  expects: [
    { after: TripRequested, oneOf: [RoomReserved, RoomRefused], withinMs: 1 },
    { after: RoomReserved, oneOf: [CarReserved, CarRefused], withinMs: 1 },
    { after: CarRefused, oneOf: [RoomReleased], withinMs: 1 },
  ],
  ends: [RoomRefused, CarReserved, RoomReleased],
})

describe('a flow of services that nobody steers', () => {
  let server: PostgresServer
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => server.stop())

  test('is seen to its end, one row for each, with what happened in it, whoever reads whose events first', () =>
    choreography(server, 'seen', Trip, async ({ search, request, startCar, until }) => {
      await startCar()
      for (let at = 0; at < trips; at++) await request(`${['trip', 'no-room', 'no-car'][at % 3]}-${at}`)
      await until('all have ended', async () => (await search.summary())[0]?.ended === trips)
      assert.deepEqual(await search.summary(), [{ flow: 'trip', unbegun: 0, waiting: 0, overdue: 0, ended: trips }])
      const { items } = await search.list(everything, page)
      assert.equal(items.length, trips)
      const ways = new Map<string, number>()
      for (const { correlationId, begunAt, awaited, dueAt } of items) {
        const shown = await search.show({ flow: 'trip', correlationId })
        const way = shown?.events.map(({ type }) => type).join(' ') ?? ''
        ways.set(way, (ways.get(way) ?? 0) + 1)
        assert.deepEqual([awaited, dueAt, begunAt], [[], null, shown?.events[0]?.at])
      }
      assert.deepEqual(Object.fromEntries(ways), {
        'trip.requested hotel.room-reserved car.reserved': 14,
        'trip.requested hotel.room-refused': 13,
        'trip.requested hotel.room-reserved car.refused hotel.room-released': 13,
      })
    }))

  test('that stands still is a query: it says after what, for what, and since when', () =>
    choreography(server, 'stuck', hasty, async ({ search, request, startCar, until }) => {
      await request('trip-1')
      const overdue = async () => (await search.list({ ...everything, isOverdue: true }, page)).items
      await until('it waits for the car', async () => (await overdue())[0]?.awaited[0]?.after === RoomReserved.type)
      const [row] = await overdue()
      assert.ok(row)
      const shown = await search.show(row)
      assert.deepEqual(row.awaited, [
        {
          ...{ after: 'hotel.room-reserved', oneOf: ['car.reserved', 'car.refused'], count: 1 },
          since: shown?.events[1]?.at,
          until: row.awaited[0]?.until,
        },
      ])
      assert.equal(Date.parse(row.dueAt ?? ''), Date.parse(row.awaited[0]?.until ?? ''))
      await startCar()
      await until('it has ended', async () => (await search.show(row))?.status === 'ended')
      assert.deepEqual(await overdue(), [])
    }))
})

async function choreography(
  server: PostgresServer,
  name: string,
  followed: Flow,
  work: (system: Awaited<ReturnType<typeof opened>>) => Promise<void>,
): Promise<void> {
  const system = await opened(server, name, followed)
  try {
    await work(system)
  } finally {
    await system.stop()
  }
}

async function opened(server: PostgresServer, at: string, followed: Flow) {
  const names = ['booking', 'hotel', 'car', 'tracking'] as const
  const pools = await Promise.all(names.map((name) => made(server, `${at}_${name}`)))
  const [booking, own, car, tracking] = pools as [pg.Pool, pg.Pool, pg.Pool, pg.Pool]
  const logs = {
    booking: postgresLog(booking, { source: 'booking' }),
    hotel: postgresLog(own, { source: 'hotel' }),
    car: postgresLog(car, { source: 'car' }),
  }
  const hotel = service<Sql>('hotel', {
    handlers: [
      on(TripRequested, async ({ data }, { publish }) =>
        publish((data.trip.startsWith('no-room') ? RoomRefused : RoomReserved)(data)),
      ),
      on(CarRefused, async ({ data }, { publish }) => publish(RoomReleased(data))),
    ],
  })
  const cars = service<Sql>('car', {
    handlers: [
      on(RoomReserved, async ({ data }, { publish }) =>
        publish((data.trip.startsWith('no-car') ? CarRefused : CarReserved)(data)),
      ),
    ],
  })
  const running: Running[] = [
    await start(hotel, { ...reading, store: postgres(own), sources: [logs.booking, logs.car] }),
    await start(service<Sql>('tracking', { handlers: follow(followed) }), {
      ...{ ...reading, store: postgres(tracking), sources: [logs.car, logs.hotel, logs.booking] },
    }),
  ]
  const store = postgres(booking)
  return {
    search: flowSearch(tracking),
    request: (trip: string) => store.transaction(async (_, publish) => publish(TripRequested({ trip }))),
    async startCar() {
      running.push(await start(cars, { ...reading, store: postgres(car), sources: [logs.hotel] }))
    },
    async until(what: string, holds: () => Promise<boolean>) {
      const deadline = performance.now() + 60_000
      while (!(await holds())) {
        if (performance.now() > deadline) throw new Error(`It never came true: ${what}.`)
        await sleep(20)
      }
    },
    async stop() {
      await Promise.all(running.map((each) => each.stop()))
      await Promise.all(pools.map((pool) => pool.end()))
    },
  }
}

async function made(server: PostgresServer, database: string): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString: await newDatabase(server.adminUrl, database), max: 12 })
  pool.on('error', () => {})
  const owner = await pool.connect()
  await migrate(owner)
  owner.release()
  return pool
}
