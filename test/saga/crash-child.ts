// The service that books, in a process of its own that kills itself where it is told to.
import { service, start } from 'estafet'
import { postgres, postgresLog, type Sql } from 'estafet/postgres'
import { dyingAt, type Fail } from '../crash/steps.ts'
import { steppingSagas } from './stepping-sagas.ts'
import { HastyTrip, type Place, poolsOf, reading, silent, Trip } from './trip-system.ts'

interface Orders {
  readonly urls: Record<Place, string>
  readonly guest: string
  readonly fail: Fail
}

const { urls, guest, fail }: Orders = JSON.parse(process.argv[2] ?? '{}')
const pools = poolsOf(urls)
const store = postgres(pools.booking)
const { trips, stepping } = steppingSagas(pools.booking, store, [Trip, HastyTrip], dyingAt(fail))
await trips.start({ lookMs: 20 })
await start(service<Sql>('booking', { handlers: [...trips.handlers], batchSize: 5 }), {
  ...{ ...reading, leaseMs: 300, logger: silent, store: stepping },
  sources: (['hotel', 'car', 'payment'] as const).map((place) => postgresLog(pools[place], { source: place })),
})
await trips.beginOwn(guest)
