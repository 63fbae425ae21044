// Exact decimals as text, as PostgreSQL's numeric has them: what is added keeps the most places of its parts, so 50.0 twice
// and 30.0 are 130.0.
import * as z from 'zod'

/** An amount as it is stored. */
export const decimal = z.string().regex(/^-?\d{1,20}(\.\d{1,8})?$/, 'must be a decimal')

/** A price that somebody asks for. */
export const price = z
  .string()
  .regex(/^(0|[1-9]\d{0,8})(\.\d{1,4})?$/, 'must be text of a decimal from 0, with up to 9 digits and 4 places')

interface Exact {
  readonly units: bigint
  readonly places: number
}

/** The amount with one more line in it. */
export function plus(amount: string, line: { readonly quantity: number; readonly price: string }): string {
  const [sum, each] = [exact(amount), exact(line.price)]
  const places = Math.max(sum.places, each.places)
  return text({ places, units: unitsAt(sum, places) + unitsAt(each, places) * BigInt(line.quantity) })
}

/** Whether two amounts are the same, however many zeros they end with. */
export function isSameAmount(one: string, other: string): boolean {
  const [a, b] = [exact(one), exact(other)]
  const places = Math.max(a.places, b.places)
  return unitsAt(a, places) === unitsAt(b, places)
}

function exact(amount: string): Exact {
  if (!/^-?\d+(\.\d+)?$/.test(amount)) throw new TypeError('an amount must be a decimal')
  const [whole = '', fraction = ''] = amount.split('.')
  return { units: BigInt(whole + fraction), places: fraction.length }
}

function unitsAt({ units, places }: Exact, wanted: number): bigint {
  return units * 10n ** BigInt(wanted - places)
}

function text({ units, places }: Exact): string {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, '0')
  const sign = units < 0n ? '-' : ''
  return places === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`
}
