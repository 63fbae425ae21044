import { decimalOf } from './cents.ts'
import type { FileTrip } from './file-trips.ts'
import type { Found, FoundDay, FoundTrip } from './found.ts'

/** Something that must hold. */
export interface Check {
  readonly says: string
  /** How many break it. */
  readonly wrong: number
  /** Some of those. */
  readonly such: readonly string[]
}

export interface Reconciliation {
  readonly isEqual: boolean
  readonly checks: readonly Check[]
  /** By form and state. */
  readonly trips: readonly { readonly form: string; readonly state: string; readonly trips: number }[]
  readonly refusals: Readonly<Record<string, number>>
  readonly money: {
    readonly charged: string
    readonly refunded: string
    readonly completed: string
    /** Of cancelled trips, by the terms of their deposits. */
    readonly kept: string
    /** What is left of the charges when all of these are taken off: nothing. */
    readonly between: string
  }
}

/** Compares a file with what the four databases hold, trip by trip. */
export function reconcile(file: readonly FileTrip[], found: Found): Reconciliation {
  const wanted = new Map(file.map((trip) => [trip.tripId, trip]))
  const trips = [...found.trips]
  const ids = [...new Set([...wanted.keys(), ...found.trips.keys()])]
  const paid = (id: string): bigint => {
    const of = found.payments.get(id)
    return of === undefined ? 0n : of.charged - of.refunded
  }
  const checks = [
    check(
      'booking: every row of the file is one trip, with the same hotel, days, car, deposit and price',
      ids,
      (id) => {
        const [a, b] = [wanted.get(id), found.trips.get(id)]
        return a !== undefined && b !== undefined && a.about === b.about && a.price === b.price
      },
    ),
    check('booking: every trip is at its end: completed, cancelled if its guest cancelled, or compensated', ids, (id) =>
      isAtItsEnd(wanted.get(id), found.trips.get(id)),
    ),
    days(
      'hotel: no night has more rooms sold than there are',
      found.nights,
      ({ recounted, capacity }) => recounted <= capacity,
    ),
    days(
      'hotel: the count of every night is that of its reservations',
      found.nights,
      ({ held, recounted }) => held === recounted,
    ),
    check(
      'hotel: a room is confirmed for every completed trip, and held for no other',
      [...ids, ...found.rooms.keys()],
      (id) => isHeldRightly(found.trips.get(id), found.rooms.get(id), true),
    ),
    days(
      'car: no day has more cars rented than there are',
      found.carDays,
      ({ recounted, capacity }) => recounted <= capacity,
    ),
    days(
      'car: the count of every day is that of its rentals',
      found.carDays,
      ({ held, recounted }) => held === recounted,
    ),
    check(
      'car: a car is confirmed for every completed trip that wants one, and held for no other',
      [...ids, ...found.cars.keys()],
      (id) =>
        isHeldRightly(found.trips.get(id), found.cars.get(id), found.trips.get(id)?.about.includes(', car,') ?? false),
    ),
    check(
      'payment: no trip was charged twice',
      [...found.payments.keys()],
      (id) => (found.payments.get(id)?.charges ?? 0) <= 1,
    ),
    check(
      'payment: charged - refunded is the price of a completed trip, what the terms keep of a cancelled one, and else 0',
      [...ids, ...found.payments.keys()],
      (id) => paid(id) === owed(wanted.get(id), found.trips.get(id)),
    ),
    check('booking: knows what was kept of every cancelled trip', ids, (id) => {
      const trip = found.trips.get(id)
      return trip?.state !== 'CANCELLED' || trip.kept === wanted.get(id)?.kept
    }),
    { says: 'all four: no step that was asked for is unsettled', wrong: found.unsettledSteps, such: [] },
    { says: 'booking: no saga is open, and no step of one', wrong: found.openSagas + found.openSteps, such: [] },
    { says: 'booking: of nothing that happened the answer is awaited', wrong: found.openFlows, such: [] },
    { says: 'all four: no message is parked', wrong: found.parked, such: [] },
  ]
  const payments = [...found.payments.values()]
  const charged = sum(payments.map((each) => each.charged))
  const refunded = sum(payments.map((each) => each.refunded))
  const completed = sum(
    trips.filter(([, { state }]) => state === 'COMPLETED').map(([id]) => wanted.get(id)?.price ?? 0n),
  )
  const kept = sum(trips.filter(([, { state }]) => state === 'CANCELLED').map(([id]) => wanted.get(id)?.kept ?? 0n))
  const between = charged - refunded - completed - kept
  return {
    isEqual: checks.every(({ wrong }) => wrong === 0) && between === 0n,
    checks,
    trips: counted(trips.map(([, trip]) => trip)),
    refusals: Object.fromEntries(
      ['no-room', 'no-car', 'card-declined', 'no-answer'].map((why) => [
        why,
        trips.filter(([, { refusal }]) => refusal === why).length,
      ]),
    ),
    money: {
      ...{ charged: decimalOf(charged), refunded: decimalOf(refunded), completed: decimalOf(completed) },
      ...{ kept: decimalOf(kept), between: decimalOf(between) },
    },
  }
}

const shown = 5

function check(says: string, ids: readonly string[], holds: (id: string) => boolean): Check {
  const broken = [...new Set(ids)].filter((id) => !holds(id))
  return { says, wrong: broken.length, such: broken.slice(0, shown) }
}

function days(says: string, all: readonly FoundDay[], holds: (day: FoundDay) => boolean): Check {
  const broken = all.filter((day) => !holds(day))
  return { says, wrong: broken.length, such: broken.slice(0, shown).map(({ place, day }) => `${place} ${day}`) }
}

function isAtItsEnd(wanted: FileTrip | undefined, trip: FoundTrip | undefined): boolean {
  if (trip?.state === 'COMPENSATED') return trip.refusal !== null
  return trip?.state === (wanted?.isCancelled === true ? 'CANCELLED' : 'COMPLETED')
}

function isHeldRightly(trip: FoundTrip | undefined, state: string | undefined, isWanted: boolean): boolean {
  if (trip?.state === 'COMPLETED' && isWanted) return state === 'confirmed'
  return state === undefined || state === 'released'
}

function owed(wanted: FileTrip | undefined, trip: FoundTrip | undefined): bigint {
  if (trip?.state === 'COMPLETED') return wanted?.price ?? 0n
  return trip?.state === 'CANCELLED' ? (wanted?.kept ?? 0n) : 0n
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((so, amount) => so + amount, 0n)
}

function counted(trips: readonly FoundTrip[]): Reconciliation['trips'] {
  const counts = new Map<string, { form: string; state: string; trips: number }>()
  for (const { form, state } of trips) {
    const of = counts.get(`${form} ${state}`) ?? { form, state, trips: 0 }
    of.trips += 1
    counts.set(`${form} ${state}`, of)
  }
  return [...counts.values()].sort((a, b) => b.trips - a.trips)
}
