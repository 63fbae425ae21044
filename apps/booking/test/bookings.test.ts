import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Decimal } from 'decimal.js'
import { UnusableFile } from '../../../engines/application/text-lines.ts'
import { bookingsOf2015 } from '../options.ts'
import { decimalOf } from '../reconciliation/cents.ts'
import { fileTrips } from '../reconciliation/file-trips.ts'
import { readBookings } from '../trips/bookings.ts'

const folder = mkdtempSync(join(tmpdir(), 'estafet-bookings-'))
after(() => rmSync(folder, { recursive: true, force: true }))

// Counted from the file by another program.
const facts = { rows: 21_996, cancelled: 8_142, city: 13_682, resort: 8_314, cars: 1_348, dayVisits: 154, free: 586 }

test('the year 2015 has the trips, cancellations and cars that others counted in it', async () => {
  const { bookings, badLines } = await readBookings(bookingsOf2015)
  const count = (holds: (booking: (typeof bookings)[number]) => boolean): number => bookings.filter(holds).length
  assert.deepEqual(badLines, [])
  assert.deepEqual(
    {
      rows: bookings.length,
      cancelled: count(({ cancelledOn }) => cancelledOn !== null),
      city: count(({ trip }) => trip.hotel === 'City Hotel'),
      resort: count(({ trip }) => trip.hotel === 'Resort Hotel'),
      cars: count(({ trip }) => trip.wantsCar),
      dayVisits: count(({ trip }) => trip.nights === 0),
      free: count(({ trip }) => Number(trip.pricePerNight) === 0),
    },
    { ...facts },
  )
  const price = bookings.reduce(
    (sum, { trip }) => sum.plus(new Decimal(trip.pricePerNight).times(trip.nights)),
    new Decimal(0),
  )
  assert.equal(price.toFixed(2), '6818116.56')
})

test('trips come in the order of their arrivals, equal rows are trips of their own', async () => {
  const { bookings } = await readBookings(bookingsOf2015)
  const arrivals = bookings.map(({ trip }) => trip.arrival)
  assert.deepEqual(arrivals, arrivals.toSorted())
  assert.equal(new Set(bookings.map(({ trip }) => trip.tripId)).size, facts.rows)
  assert.deepEqual((await readBookings(bookingsOf2015, 7)).bookings, bookings.slice(0, 7))
})

test('the reconciliation, which reads by other means, reads the same', async () => {
  const { bookings } = await readBookings(bookingsOf2015)
  const others = fileTrips(bookingsOf2015, Number.POSITIVE_INFINITY, [])
  assert.deepEqual(
    others.map(({ tripId, about, price, isCancelled }) => [tripId, about, decimalOf(price), isCancelled]),
    bookings.map(({ trip, cancelledOn }) => [
      trip.tripId,
      [trip.hotel, trip.arrival, trip.nights, trip.wantsCar ? 'car' : 'no car', trip.deposit].join(', '),
      new Decimal(trip.pricePerNight).times(trip.nights).toFixed(2),
      cancelledOn !== null,
    ]),
  )
})

const header =
  'hotel,is_canceled,arrival_date_year,arrival_date_month,arrival_date_day_of_month,stays_in_weekend_nights,' +
  'stays_in_week_nights,deposit_type,adr,required_car_parking_spaces,reservation_status_date'

function file(name: string, ...lines: readonly string[]): string {
  const path = join(folder, name)
  writeFileSync(path, lines.join('\r\n'))
  return path
}

test('lines that cannot be used are named, with their reason, and the others are read', async () => {
  const path = file(
    'bad.csv',
    header,
    'City Hotel,0,2015,July,9,0,2,No Deposit,75,0,2015-07-11',
    'City Hotel,0,2015,July,9,0,2,No Deposit,-6.38,0,2015-07-11',
    'City Hotel,0,2015,June,31,0,2,No Deposit,75,0,2015-07-11',
    'City Hotel,0,2015,Juli,9,0,2,No Deposit,75,0,2015-07-11',
    'City Hotel,0,2015,July,9,0,2,No Deposit,75.123,0,2015-07-11',
    'nonsense',
    '"City Hotel,0,2015,July,9,0,2,No Deposit,75,0,2015-07-11',
    '',
    '"Resort Hotel",1,2015,July,3,0,0,Refundable,0,2,2015-07-01',
  )
  const { bookings, badLines } = await readBookings(path)
  assert.deepEqual(
    badLines.map(({ line, reason }) => `${line} ${reason.split(' ')[0]}`),
    ['3 adr', '4 arrival', '5 arrival_date_month', '6 adr', '7 has', '8 has'],
  )
  assert.deepEqual(bookings, [
    {
      trip: {
        ...{ tripId: 'line-10', hotel: 'Resort Hotel', arrival: '2015-07-03', nights: 0, wantsCar: true },
        ...{ deposit: 'Refundable', pricePerNight: '0' },
      },
      cancelledOn: '2015-07-01',
    },
    {
      trip: {
        ...{ tripId: 'line-2', hotel: 'City Hotel', arrival: '2015-07-09', nights: 2, wantsCar: false },
        ...{ deposit: 'No Deposit', pricePerNight: '75' },
      },
      cancelledOn: null,
    },
  ])
})

test('a file with other columns, an empty one and one that is not there are refused with what to do', async () => {
  await assert.rejects(readBookings(file('other.csv', 'a,b', '1,2')), (error) => {
    assert.ok(error instanceof UnusableFile)
    assert.match(error.message, /lacks columns: hotel, is_canceled/)
    return true
  })
  await assert.rejects(readBookings(file('empty.csv')), /is empty/)
  await assert.rejects(readBookings(join(folder, 'missing.csv')), /does not exist/)
})

test('the README of the application fits on a page', () => {
  const lines = readFileSync(new URL('../README.md', import.meta.url), 'utf8').split('\n')
  assert.ok(lines.length <= 70, `${lines.length} lines`)
})
