import { parse } from 'csv-parse/sync'
import * as z from 'zod'
import { textLines, UnusableFile } from '../../../engines/application/text-lines.ts'
import { day, deposits, hotels, money, type Trip, trip } from '../messages.ts'
import type { BadLine } from './bad-line.ts'

/** One row of the file: a trip, and what its guest did about it later. */
export interface Booking {
  readonly trip: Trip
  /** The day on which the guest gave it up; of one who never came, the day of arrival. Null: the guest was there. */
  readonly cancelledOn: string | null
}

export interface ReadBookings {
  /** In the order of their arrivals, and on one day in that of the file. */
  readonly bookings: readonly Booking[]
  readonly badLines: readonly BadLine[]
}

const months = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
]
const count = z
  .string()
  .regex(/^\d{1,3}$/, 'is no count')
  .transform(Number)

const row = z.object({
  hotel: z.enum(hotels),
  is_canceled: z.enum(['0', '1']),
  arrival_date_year: z.string(),
  arrival_date_month: z.enum(months),
  arrival_date_day_of_month: z.string(),
  stays_in_weekend_nights: count,
  stays_in_week_nights: count,
  deposit_type: z.enum(deposits),
  adr: money,
  required_car_parking_spaces: count,
  reservation_status_date: day,
})

/**
 * Reads a file of the bookings' columns, `.csv` or `.csv.gz`: good rows as trips, bad ones with their number and reason. Throws
 * UnusableFile when it cannot be read or lacks a column.
 *
 * - A row is known by its line: thousands are equal to another in every field, and are bookings of their own.
 * - The file is not in the order of arrivals.
 * - Who wants to park comes by car, and here wants one of ours; two places are one car.
 * - No night between arrival and departure is a visit of a day. A price of 0 is a free stay; one below 0 is a bad line.
 */
export async function readBookings(file: string, limit = Number.POSITIVE_INFINITY): Promise<ReadBookings> {
  const bookings: Booking[] = []
  const badLines: BadLine[] = []
  let columns: readonly string[] | null = null
  let line = 0
  for await (const text of textLines(file)) {
    line += 1
    if (columns === null) columns = columnsOf(file, text)
    else if (text.trim() !== '') {
      const read = toBooking(columns, text, line)
      if ('reason' in read) badLines.push(read)
      else bookings.push(read)
    }
  }
  if (columns === null) throw new UnusableFile(`${file} is empty: its first line must name the columns.`)
  // Stable: those of one day stay as they were.
  bookings.sort((a, b) => (a.trip.arrival < b.trip.arrival ? -1 : Number(a.trip.arrival > b.trip.arrival)))
  return { bookings: bookings.slice(0, limit), badLines }
}

function columnsOf(file: string, header: string): readonly string[] {
  const columns = header
    .replace(/^\uFEFF/, '')
    .split(',')
    .map((name) => name.trim())
  const missing = Object.keys(row.shape).filter((name) => !columns.includes(name))
  if (missing.length > 0) throw new UnusableFile(`${file} lacks columns: ${missing.join(', ')}.`)
  return columns
}

function toBooking(columns: readonly string[], text: string, line: number): Booking | BadLine {
  const fields = fieldsOf(text)
  if (fields === null) return { line, reason: 'has a quote out of place' }
  if (fields.length !== columns.length) return { line, reason: `has ${fields.length} fields and not ${columns.length}` }
  const read = row.safeParse(Object.fromEntries(columns.map((name, at) => [name, fields[at]?.trim()])))
  if (!read.success) return { line, reason: reasonOf(read.error) }
  const { data } = read
  const month = String(months.indexOf(data.arrival_date_month) + 1).padStart(2, '0')
  const wanted = trip.safeParse({
    tripId: `line-${line}`,
    hotel: data.hotel,
    arrival: `${data.arrival_date_year}-${month}-${data.arrival_date_day_of_month.padStart(2, '0')}`,
    nights: data.stays_in_weekend_nights + data.stays_in_week_nights,
    wantsCar: data.required_car_parking_spaces > 0,
    deposit: data.deposit_type,
    pricePerNight: data.adr,
  })
  if (!wanted.success) return { line, reason: reasonOf(wanted.error) }
  return { trip: wanted.data, cancelledOn: data.is_canceled === '1' ? data.reservation_status_date : null }
}

function reasonOf({ issues }: z.ZodError): string {
  return issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join(', ')
}

/** Each line by itself, so that a quote left open spoils its own line alone. */
function fieldsOf(text: string): readonly string[] | null {
  if (!text.includes('"')) return text.split(',')
  try {
    const [record]: string[][] = parse(text, { relax_column_count: true })
    return record ?? []
  } catch {
    return null
  }
}
