import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { centsOf } from './cents.ts'

/** A trip as the file has it. */
export interface FileTrip {
  readonly tripId: string
  /** Hotel, arrival, nights, car, deposit: what must be the same everywhere. */
  readonly about: string
  readonly price: bigint
  readonly isCancelled: boolean
  /** What is kept of the price if it is cancelled. */
  readonly kept: bigint
}

const months = 'January February March April May June July August September October November December'.split(' ')

/**
 * The first trips of a file by arrival, read once more and by other means than the application does, except for its lines that
 * were found to be bad.
 */
export function fileTrips(file: string, limit: number, badLines: readonly number[]): readonly FileTrip[] {
  const bytes = readFileSync(file)
  const lines = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
  const columns = (lines[0] ?? '').split(',').map((name) => name.trim())
  const bad = new Set(badLines)
  return lines
    .map((text, at) => ({ text, line: at + 1 }))
    .filter(({ text, line }) => line > 1 && text.trim() !== '' && !bad.has(line))
    .map(({ text, line }) => {
      const fields = text.split(',').map((field) => field.trim().replace(/^"(.*)"$/, '$1'))
      return { line, of: (name: string): string => fields[columns.indexOf(name)] ?? '' }
    })
    .map(({ line, of }) => ({ line, of, arrival: arrivalOf(of) }))
    .sort((a, b) => a.arrival.localeCompare(b.arrival) || a.line - b.line)
    .slice(0, limit)
    .map(({ line, of, arrival }) => {
      const nights = Number(of('stays_in_weekend_nights')) + Number(of('stays_in_week_nights'))
      const night = centsOf(of('adr'))
      const price = night * BigInt(nights)
      const car = Number(of('required_car_parking_spaces')) > 0 ? 'car' : 'no car'
      return {
        tripId: `line-${line}`,
        about: [of('hotel'), arrival, nights, car, of('deposit_type')].join(', '),
        price,
        isCancelled: of('is_canceled') === '1',
        kept: keptOf(of('deposit_type'), of('reservation_status_date') < arrival, price, nights === 0 ? 0n : night),
      }
    })
}

function arrivalOf(of: (name: string) => string): string {
  const month = months.indexOf(of('arrival_date_month')) + 1
  const two = (number: number): string => String(number).padStart(2, '0')
  return `${of('arrival_date_year')}-${two(month)}-${two(Number(of('arrival_date_day_of_month')))}`
}

/** The terms of the README, said once more. */
function keptOf(deposit: string, isEarly: boolean, price: bigint, firstNight: bigint): bigint {
  if (deposit === 'No Deposit') return isEarly ? 0n : firstNight
  if (deposit === 'Refundable') return isEarly ? firstNight : price
  return price
}
