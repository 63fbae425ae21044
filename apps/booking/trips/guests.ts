import { setTimeout as sleep } from 'node:timers/promises'
import type { Form } from '../booking/trips.ts'
import type { Booking } from './bookings.ts'

export interface GuestOptions {
  readonly form: Form
  /** Where the booking service is now; asked for at every try, since it moves when it is restarted. */
  readonly url: () => string
  readonly signal: AbortSignal
  /** How long one request is sent again and again before it counts as refused. */
  readonly patienceMs: number
  /** Told from time to time how many trips are at their end. */
  readonly ended: (trips: number) => void
}

export interface Sent {
  readonly begun: number
  readonly givenUp: number
  /** By its HTTP status; 0 stands for no answer at all. */
  readonly refused: readonly { readonly tripId: string; readonly status: number }[]
  /** Tries beyond the first. */
  readonly retries: number
}

const atOnce = 12
/** A guest changes their mind after so many others have asked for a trip. */
const lag = 150
/** Nobody asks while so many trips are under way: else the rooms of those who will cancel are missing to everybody. */
const mostOpen = (trips: number): number => Math.min(300, Math.ceil(trips / 5))

type Act = { readonly path: string; readonly tripId: string; readonly body: object; readonly isTrip: boolean }

/** Asks for every trip, in order and several at once, and gives up later those that were cancelled. */
export async function sendGuests(bookings: readonly Booking[], options: GuestOptions): Promise<Sent> {
  const refused: { tripId: string; status: number }[] = []
  const taken = { trips: 0, cancellations: 0 }
  let retries = 0
  const valve = openTrips(options, mostOpen(bookings.length))
  // One iterator for all workers: each takes the next act when it is free.
  const acts = actsOf(bookings, options.form)
  const worker = async (): Promise<void> => {
    for (const act of acts) {
      while (act.isTrip && valve.isFull() && !options.signal.aborted) await sleep(20)
      if (options.signal.aborted) return
      const { status, tries } = await sendUntilAnswered(act, options)
      retries += tries - 1
      if (status < 200 || status >= 300) refused.push({ tripId: act.tripId, status })
      else taken[act.isTrip ? 'trips' : 'cancellations'] += 1
    }
  }
  try {
    await Promise.all(Array.from({ length: atOnce }, worker))
  } finally {
    await valve.close()
  }
  return { begun: taken.trips, givenUp: taken.cancellations, refused, retries }
}

function* actsOf(bookings: readonly Booking[], form: Form): Generator<Act> {
  for (let at = 0; at < bookings.length + lag; at++) {
    const [next, before] = [bookings[at], bookings[at - lag]]
    if (next !== undefined) {
      yield { path: '/trips', tripId: next.trip.tripId, body: { ...next.trip, form }, isTrip: true }
    }
    if (before !== undefined && before.cancelledOn !== null) {
      const { tripId } = before.trip
      yield { path: `/trips/${tripId}/cancellation`, tripId, body: { on: before.cancelledOn }, isTrip: false }
    }
  }
}

const ends: readonly string[] = ['COMPLETED', 'CANCELLED', 'COMPENSATED']

/** Asks the booking service, time and again, how many trips are under way. */
function openTrips({ url, signal, ended }: GuestOptions, most: number) {
  const ending = new AbortController()
  const until = AbortSignal.any([signal, ending.signal])
  let open = 0
  const look = async (): Promise<void> => {
    while (!until.aborted) {
      const states = await fetch(`${url()}/summary`, {
        signal: AbortSignal.any([until, AbortSignal.timeout(5_000)]),
      }).then(
        async (answer): Promise<readonly { state: string; trips: number }[] | null> =>
          answer.ok ? JSON.parse(await answer.text()) : null,
        () => null,
      )
      if (states !== null) {
        const sum = (of: (state: string) => boolean): number =>
          states.reduce((so, { state, trips }) => so + (of(state) ? trips : 0), 0)
        open = sum((state) => !ends.includes(state))
        ended(sum((state) => ends.includes(state)))
      }
      await sleep(150, undefined, { signal: until }).catch(() => {})
    }
  }
  const looking = look()
  return {
    isFull: () => open >= most,
    async close() {
      ending.abort()
      await looking
    },
  }
}

async function sendUntilAnswered(
  { path, tripId, body, isTrip }: Act,
  { url, signal, patienceMs }: GuestOptions,
): Promise<{ status: number; tries: number }> {
  const headers = { 'content-type': 'application/json', 'x-correlation-id': `trip-${tripId}` }
  const deadline = performance.now() + patienceMs
  for (let tries = 1; ; tries++) {
    let status = 0
    try {
      const timely = AbortSignal.any([signal, AbortSignal.timeout(15_000)])
      const response = await fetch(`${url()}${path}`, {
        ...{ method: 'POST', body: JSON.stringify(body), headers, signal: timely },
      })
      await response.arrayBuffer()
      status = response.status
    } catch {
      // No answer: whether it was stored is unknown, and the next try finds out.
    }
    // A 5xx is like no answer. A cancellation may overtake its trip, which is then asked for again beside us.
    const isFinal = status > 0 && status < 500 && (isTrip || status !== 404)
    if (isFinal || signal.aborted || performance.now() > deadline) return { status, tries }
    await sleep(Math.min(1_000, 50 * 2 ** Math.min(tries, 5)), undefined, { signal }).catch(() => {})
  }
}
