import { Refusal } from './refusal.ts'
import type { Param, Route } from './route.ts'

/** The parameters of a request, as its route describes them. What was not given is null. */
export interface Params {
  has(name: string): boolean
  text(name: string): string | null
  count(name: string): number | null
  number(name: string): bigint | null
  numbers(name: string): readonly bigint[] | null
  /** False when it was not given. */
  flag(name: string): boolean
  value(name: string): unknown
  records(name: string): readonly Readonly<Record<string, unknown>>[]
}

/** A text that PostgreSQL and JSON can hold. */
export function isStorable(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed()
}

/** Reads and checks everything that was given. Throws INVALID_REQUEST, with all faults at once, never quoting a value. */
export function readParams(
  route: Route,
  path: Readonly<Record<string, string>>,
  query: URLSearchParams,
  body: Readonly<Record<string, unknown>>,
): Params {
  const faults: string[] = []
  const values = new Map<string, unknown>()
  const given = { path: new Map(Object.entries(path)), query, body: new Map(Object.entries(body)) }
  for (const [where, names] of [
    ['query', [...query.keys()]],
    ['body', Object.keys(body)],
  ] as const) {
    const strange = names.filter((name) => !Object.hasOwn(route.params, name) || route.params[name]?.in !== where)
    for (const name of strange) faults.push(`${JSON.stringify(name.slice(0, 50))} is no parameter of the ${where}`)
  }
  for (const [name, param] of Object.entries(route.params)) {
    const raw: unknown = given[param.in].get(name) ?? undefined
    if (raw === undefined && param.isRequired === true && !(param.kind === 'value' && given.body.has(name))) {
      faults.push(`${name} is missing`)
    } else if (raw !== undefined || given[param.in].has(name)) {
      const read = readers[param.kind](raw, param)
      if (read === undefined) faults.push(`${name} must be ${wanted(param)}`)
      else values.set(name, read)
    }
  }
  if (faults.length > 0) throw new Refusal('INVALID_REQUEST', `The request is wrong: ${faults.join('; ')}.`)
  const get = <Value>(name: string, is: (value: unknown) => value is Value): Value | null => {
    const value = values.get(name)
    return is(value) ? value : null
  }
  return {
    has: (name) => values.has(name),
    text: (name) => get(name, (value) => typeof value === 'string'),
    count: (name) => get(name, (value) => typeof value === 'number'),
    number: (name) => get(name, (value) => typeof value === 'bigint'),
    numbers: (name) => get(name, isNumbers),
    flag: (name) => values.get(name) === true,
    value: (name) => values.get(name),
    records: (name) => get(name, isRecords) ?? [],
  }
}

const maxText = 512

const flagsOfQuery: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
])

/** Undefined: it is not of that kind. A query has texts only, so a count or a flag may be one. */
const readers: Readonly<Record<Param['kind'], (raw: unknown, param: Param) => unknown>> = {
  text: (raw, { max = maxText, choices }) =>
    typeof raw === 'string' && raw !== '' && raw.length <= max && isStorable(raw) && choices?.includes(raw) !== false
      ? raw
      : undefined,
  count: (raw, param) =>
    readCount(param.in === 'body' ? raw : Number(/^\d{1,9}$/.exec(String(raw))?.[0] ?? '-'), param),
  number: (raw) => readNumber(raw),
  numbers: (raw, { max = 1000 }) => {
    if (!Array.isArray(raw) || raw.length > max) return undefined
    const read = raw.map((each) => readNumber(each))
    return read.includes(undefined) ? undefined : read
  },
  instant: (raw) => readInstant(raw),
  flag: (raw, param) => readFlag(param.in === 'body' ? raw : flagsOfQuery.get(String(raw))),
  value: (raw) => (raw === undefined ? null : raw),
  records: (raw, { max = 1000 }) => (isRecords(raw) && raw.length <= max ? raw : undefined),
}

function readFlag(raw: unknown): boolean | undefined {
  return typeof raw === 'boolean' ? raw : undefined
}

function readCount(raw: unknown, { max = 1_000_000_000 }: Param): number | undefined {
  return typeof raw === 'number' && Number.isSafeInteger(raw) && raw >= 0 && raw <= max ? raw : undefined
}

function readNumber(raw: unknown): bigint | undefined {
  const text = typeof raw === 'number' && Number.isSafeInteger(raw) ? String(raw) : raw
  return typeof text === 'string' && /^\d{1,18}$/.test(text) ? BigInt(text) : undefined
}

const instantPattern = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/

function readInstant(raw: unknown): string | undefined {
  if (typeof raw !== 'string' || !instantPattern.test(raw)) return undefined
  const time = new Date(raw)
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}

function isNumbers(value: unknown): value is readonly bigint[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'bigint')
}

function isRecords(value: unknown): value is readonly Readonly<Record<string, unknown>>[] {
  return (
    Array.isArray(value) && value.every((each) => typeof each === 'object' && each !== null && !Array.isArray(each))
  )
}

function wanted({ kind, max, choices }: Param): string {
  if (choices !== undefined) return `one of ${choices.join(', ')}`
  const limit = max === undefined ? '' : `, at most ${max}`
  switch (kind) {
    case 'text':
      return `text of 1 to ${max ?? maxText} well-formed characters`
    case 'count':
      return `a whole number from 0${limit}`
    case 'number':
      return 'a whole number from 0, as a string'
    case 'numbers':
      return `a list of whole numbers${limit}`
    case 'instant':
      return 'an instant such as 2026-01-31T08:00:00Z'
    case 'flag':
      return 'true or false'
    case 'records':
      return `a list of objects${limit}`
    case 'value':
      return 'JSON'
  }
}
