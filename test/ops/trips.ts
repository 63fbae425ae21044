import { event, flow, type StoredMessage } from 'estafet'
import { follow, type Sql } from 'estafet/postgres'
import * as z from 'zod'
import type { ParkedWorld } from './parked-world.ts'
import { silent } from './served.ts'

const about = { version: 1, schema: z.object({ trip: z.string() }), key: ({ trip }: { trip: string }) => trip }
const requested = event('trip.requested', about)
const roomReserved = event('hotel.room-reserved', about)
const roomRefused = event('hotel.room-refused', about)
const carReserved = event('car.reserved', about)
const carRefused = event('car.refused', about)
const visaWanted = event('visa.wanted', about)
const visaGiven = event('visa.given', about)

const hourMs = 3_600_000

const flows = [
  flow('trip', {
    begins: requested,
    expects: [
      { after: requested, oneOf: [roomReserved, roomRefused], withinMs: hourMs },
      { after: roomReserved, oneOf: [carReserved, carRefused], withinMs: hourMs / 2 },
    ],
    ends: [roomRefused, carReserved, carRefused],
  }),
  flow('visa', {
    begins: visaWanted,
    expects: [{ after: visaWanted, oneOf: [visaGiven], withinMs: hourMs }],
    ends: [visaGiven],
  }),
]

export interface Trips {
  /** Lets an event of a flow have happened so many seconds ago by the clock of the database, and gives when that was. */
  readonly happened: (correlationId: string, type: string, secondsAgo: number) => Promise<string>
}

/** Trips that a service follows with its own login and nothing more, as its inbox would hand it their events. */
export function trips(world: Pick<ParkedWorld, 'pool' | 'store'>): Trips {
  const handlers = flows.flatMap((each) => follow(each))
  let count = 0
  return {
    async happened(correlationId, type, secondsAgo) {
      const { rows } = await world.pool.query<{ at: string }>(
        `SELECT to_char((clock_timestamp() - $1::int * interval '1 second') AT TIME ZONE 'UTC',
          'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`,
        [secondsAgo],
      )
      const time = rows[0]?.at ?? ''
      const [source = '', id] = [type.split('.')[0], `m-${++count}`]
      const message: StoredMessage = {
        ...{ id, type, version: 1, topic: source, key: correlationId, correlationId, causationId: null },
        ...{ traceparent: null, headers: {}, payload: '{"trip":"secret"}', source, epoch: 'e', time },
        position: BigInt(count),
      }
      await world.store.unitOfWork.run(async (tx: Sql) => {
        const context = { tx, log: silent, signal: new AbortController().signal, publish: () => {} }
        for (const each of handlers.filter((handler) => handler.type === type)) await each.run([message], context)
      })
      return time
    },
  }
}
