import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'estafet'
import pg from 'pg'
import * as z from 'zod'
import type { Journey, Step } from '../../../engines/application/smoke.ts'
import type { Form } from '../booking/trips.ts'
import type { Trip } from '../messages.ts'
import { isDeclined } from '../payment/card.ts'
import type { ServiceName } from '../system/services.ts'
import { type System, startSystem } from '../system/system.ts'

const seen = z.object({
  state: z.string(),
  refusal: z.string().nullable(),
  kept: z.string().nullable(),
  went: z.array(z.object({ state: z.string() })),
})
type Seen = z.infer<typeof seen>

/** A guest's way to the application, and an auditor's. */
export interface Guest {
  ask(path: string, body: object): Promise<{ readonly status: number; readonly text: string }>
  /** Resolves to the trip once it is in one of these states. */
  seen(tripId: string, ...states: readonly string[]): Promise<Seen>
  rows<Row extends object>(service: ServiceName, text: string, values?: readonly unknown[]): Promise<readonly Row[]>
}

const patienceMs = 60_000

export function guestOf(system: System): Guest {
  const url = (): string => String(system.supervisor.announcements()['booking']?.['url'])
  const guest: Guest = {
    async ask(path, body) {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${url()}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
      return { status: answer.status, text: await answer.text() }
    },
    async seen(tripId, ...states) {
      const deadline = performance.now() + patienceMs
      for (;;) {
        const answer = await fetch(`${url()}/trips/${tripId}`)
        const found = seen.parse(await answer.json())
        if (states.includes(found.state) && (found.state !== 'CANCELLED' || found.kept !== null)) return found
        if (performance.now() > deadline) throw new Error(`${tripId} is ${found.state}, and not ${states.join(' or ')}`)
        await sleep(20)
      }
    },
    async rows<Row extends object>(service: ServiceName, text: string, values: readonly unknown[] = []) {
      const client = new pg.Client({ connectionString: system.adminUrl(service) })
      await client.connect()
      try {
        return (await client.query<Row>(text, [...values])).rows
      } finally {
        await client.end()
      }
    },
  }
  return guest
}

/** An id that begins so, of a trip whose card the bank takes or declines. */
export function idWithCard(begins: string, card: 'good' | 'declined'): string {
  for (let number = 1; ; number++) {
    if (isDeclined(`${begins}-${number}`) === (card === 'declined')) return `${begins}-${number}`
  }
}

export function tripOf(tripId: string, more: Partial<Trip> = {}): Trip {
  return {
    ...{ tripId, hotel: 'City Hotel', arrival: '2015-07-01', nights: 3, wantsCar: true, deposit: 'No Deposit' },
    ...{ pricePerNight: '75.50', ...more },
  }
}

/** What a trip paid, entry by entry. */
export async function entriesOf(guest: Guest, tripId: string): Promise<readonly string[]> {
  const text = `SELECT kind || ' ' || amount AS entry FROM ledger_entry WHERE trip_id = $1 ORDER BY number`
  return (await guest.rows<{ entry: string }>('payment', text, [tripId])).map(({ entry }) => entry)
}

/** What is held for a trip: the state of its room, and of its car; null when there was never one. */
export async function heldFor(guest: Guest, tripId: string): Promise<readonly (string | null)[]> {
  const of = async (service: 'hotel' | 'car', table: string): Promise<string | null> => {
    const [row] = await guest.rows<{ state: string }>(service, `SELECT state FROM ${table} WHERE trip_id = $1`, [
      tripId,
    ])
    return row?.state ?? null
  }
  return [await of('hotel', 'reservation'), await of('car', 'rental')]
}

/** The life of some trips, step by step. */
export function journey(home: string, form: Form, logger: Logger): Journey {
  let system: System
  let guest: Guest
  const good = idWithCard('smoke', 'good')
  const declined = idWithCard('smoke', 'declined')
  const far = tripOf(idWithCard('far', 'good'), { hotel: 'Resort Hotel' })
  const steps: readonly Step[] = [
    {
      says: 'engines up',
      async holds() {
        system = await startSystem(home, { logger, quiet: true })
        await system.supervisor.ready()
        guest = guestOf(system)
        return 'PostgreSQL, and the services booking, hotel, car, payment'
      },
    },
    {
      says: 'trip completed',
      async holds() {
        assert.equal((await guest.ask('/trips', { ...tripOf(good), form })).status, 201)
        assert.equal((await guest.ask('/trips', { ...tripOf(good), form })).status, 200)
        await guest.seen(good, 'COMPLETED')
        assert.deepEqual(await heldFor(guest, good), ['confirmed', 'confirmed'])
        assert.deepEqual(await entriesOf(guest, good), ['charge 226.50'])
        return 'room and car confirmed, 226.50 charged, although it was asked for twice'
      },
    },
    {
      says: 'no room, no trip',
      async holds() {
        await guest.rows('hotel', `UPDATE hotel SET capacity = 0 WHERE place = 'Resort Hotel'`)
        await guest.ask('/trips', { ...far, form })
        const { refusal } = await guest.seen(far.tripId, 'COMPENSATED')
        assert.equal(refusal, 'no-room')
        assert.deepEqual([await heldFor(guest, far.tripId), await entriesOf(guest, far.tripId)], [[null, null], []])
        return 'nothing held, nothing charged'
      },
    },
    {
      says: 'card declined',
      async holds() {
        await guest.ask('/trips', { ...tripOf(declined), form })
        const { refusal } = await guest.seen(declined, 'COMPENSATED')
        assert.equal(refusal, 'card-declined')
        assert.deepEqual(await heldFor(guest, declined), ['released', 'released'])
        assert.deepEqual(await entriesOf(guest, declined), [])
        return 'the car and the room were given back'
      },
    },
    {
      says: 'trip cancelled',
      async holds() {
        await guest.ask(`/trips/${good}/cancellation`, { on: '2015-07-01' })
        const { kept } = await guest.seen(good, 'CANCELLED')
        assert.equal(kept, '75.50')
        assert.deepEqual(await entriesOf(guest, good), ['charge 226.50', 'refund 151.00'])
        assert.deepEqual(await heldFor(guest, good), ['released', 'released'])
        return 'on the day of arrival: 151.00 refunded, the first night kept'
      },
    },
    {
      says: 'bad input refused',
      async holds() {
        const { status, text } = await guest.ask('/trips', {
          ...tripOf('bad'),
          form,
          nights: -1,
          pricePerNight: '1.234',
        })
        assert.equal(status, 422)
        for (const field of ['nights', 'pricePerNight']) assert.ok(text.includes(`"field":"${field}"`), text)
        return 'with 422, and the names of the fields'
      },
    },
  ]
  return {
    steps,
    async end() {
      await system?.stop()
    },
  }
}
