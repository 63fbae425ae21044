import { unreachable } from './failure.ts'

/** Part of an answer, before it was looked at. */
export type Item = Readonly<Record<string, unknown>>

/** The service speaks another version of the ops API. */
function strange(field: string): Error {
  return unreachable(
    `The service's answer has no ${field} of the kind that this version knows.`,
    'Use the estafet of the version that the service runs: npm install estafet@VERSION (estafet status shows it).',
  )
}

export function item(value: unknown, what = 'object'): Item {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw strange(what)
  return Object.fromEntries(Object.entries(value))
}

export function items(value: unknown, what: string): readonly Item[] {
  if (!Array.isArray(value)) throw strange(what)
  return value.map((each) => item(each, what))
}

/** A string, also where the answer has a number. */
export function text(of: Item, field: string): string {
  const value = textOrNull(of, field)
  if (value === null) throw strange(field)
  return value
}

export function textOrNull(of: Item, field: string): string | null {
  const value = of[field]
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  throw strange(field)
}

export function number(of: Item, field: string): number {
  const value = numberOrNull(of, field)
  if (value === null) throw strange(field)
  return value
}

/** A number, also where the answer has it as a string because it may be large. */
export function numberOrNull(of: Item, field: string): number | null {
  const value = of[field]
  if (value === undefined || value === null) return null
  const read = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value
  if (typeof read !== 'number' || !Number.isFinite(read)) throw strange(field)
  return read
}

export function flag(of: Item, field: string): boolean {
  const value = of[field]
  if (typeof value !== 'boolean') throw strange(field)
  return value
}

export function texts(of: Item, field: string): readonly string[] {
  const value = of[field]
  if (!Array.isArray(value)) throw strange(field)
  return value.map((each: unknown) => {
    if (typeof each !== 'string') throw strange(field)
    return each
  })
}
