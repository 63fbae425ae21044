import { EstafetError } from './errors.ts'
import type { SchemaIssue, StandardSchema } from './standard-schema.ts'

/** What stands in the place of a personal value once its person was erased: plain JSON, so that it can be kept and sent on. */
export interface Erased {
  readonly $erased: true
}

export const erased: Erased = Object.freeze({ $erased: true })

/** Tells whether a value is what is left of a personal one. */
export function isErased(value: unknown): value is Erased {
  return typeof value === 'object' && value !== null && '$erased' in value && value.$erased === true
}

/** Which fields of an event are about a person, and about whom. */
export interface PersonalFields<Data> {
  /**
   * Names the person: an id, 1 to 512 characters, that says nothing by itself, since it stays when the person is erased.
   */
  readonly subject: (data: Data) => string
  /**
   * Such as `customer.email`; in a list, of each item. They are sealed before they are stored or sent. The schema must admit
   * `erased` in each of them: that is what readers get once the person was erased.
   */
  readonly fields: readonly string[]
}

/** What of one message's data is about whom. */
export interface Personal {
  readonly subject: string
  readonly fields: readonly string[]
}

/** What stands in the place of a personal value in a log or on a broker. */
export interface Sealed {
  readonly $sealed: string
  readonly subject: string
}

export function isSealed(value: unknown): value is Sealed {
  if (typeof value !== 'object' || value === null || !('$sealed' in value) || !('subject' in value)) return false
  return typeof value.$sealed === 'string' && typeof value.subject === 'string'
}

/** Tells whether JSON text may hold something sealed, without decoding it. */
export function maySeal(text: string): boolean {
  return text.includes('"$sealed"') && /"\$sealed"\s*:/.test(text)
}

/** Data with each sealed value replaced, and the fields in which they were; those of a list's items have its name. */
export function replaceSealed(
  data: unknown,
  replacement: (value: Sealed, field: string) => unknown,
): { readonly data: unknown; readonly fields: readonly string[] } {
  const fields = new Set<string>()
  const walk = (value: unknown, path: readonly string[]): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if (isSealed(value)) {
      const field = path.join('.')
      fields.add(field)
      return replacement(value, field)
    }
    if (Array.isArray(value)) return value.map((item) => walk(item, path))
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, walk(inner, [...path, name])]))
  }
  return { data: walk(data, []), fields: [...fields] }
}

/** A payload as somebody without keys may have it: what is sealed in it counts as erased. */
export function withoutSealed<Stored extends { readonly payload: string }>(stored: Stored): Stored {
  if (!maySeal(stored.payload)) return stored
  return { ...stored, payload: JSON.stringify(replaceSealed(JSON.parse(stored.payload), () => erased).data) }
}

/** Changes what stands in a field, wherever there is something; in a list, of each item. */
export function changeField(data: unknown, field: string, change: (value: unknown) => unknown): unknown {
  const walk = (value: unknown, [name, ...rest]: readonly string[]): unknown => {
    if (name === undefined) return change(value)
    if (Array.isArray(value)) return value.map((item) => walk(item, [name, ...rest]))
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, key === name ? walk(inner, rest) : inner]),
    )
  }
  return walk(data, field.split('.'))
}

/** Of whom a message's data is. Throws INVALID_MESSAGE for a subject that is no text, and when it, or the key, is personal itself. */
export function personalOf<Data>(
  type: string,
  personal: PersonalFields<Data> | undefined,
  data: Data,
  key: string | null,
): { readonly personal?: Personal } {
  if (personal === undefined) return {}
  const subject: unknown = personal.subject(data)
  if (typeof subject !== 'string' || subject === '' || subject.length > 512 || !subject.isWellFormed()) {
    throw invalid(type, 'The subject', '(subject)', 'must be text of 1 to 512 well-formed characters')
  }
  for (const field of personal.fields) {
    changeField(data, field, (value) => {
      if (value === subject)
        throw invalid(type, 'The subject', '(subject)', 'is a personal field, and would stay in clear')
      if (value === key) throw invalid(type, 'The key', '(key)', 'is a personal field, and would stay in clear')
      return value
    })
  }
  return { personal: { subject, fields: personal.fields } }
}

/** What is wrong with the personal fields of a definition: sentences, none when its schema admits `erased` in each. */
export function personalFaults(schema: StandardSchema, fields: readonly string[] | undefined): readonly string[] {
  if (fields === undefined) return []
  if (fields.length === 0) return ['personal names no fields']
  return fields.flatMap((field) => {
    const path = field.split('.')
    if (path.includes('')) return [`the personal field ${JSON.stringify(field)} must be names joined by dots`]
    return admitsErased(schema, path) ? [] : [`the schema must admit \`erased\` in the personal field ${field}`]
  })
}

/** Asks the schema with nothing but the erased field: complaints about what is missing beside it do not count. */
function admitsErased(schema: StandardSchema, path: readonly string[]): boolean {
  const lists = new Set<number>()
  for (let tries = 0; tries <= path.length; tries++) {
    const issues = issuesOf(schema, nested(path, lists))
    const places = issues.map((issue) => placeOf(issue))
    // A value where a list is wanted: the field is one of each item.
    const list = places.find((place) => place.length < path.length && place.length > 0 && startsWith(path, place))
    if (places.some((place) => place.length >= path.length && startsWith(place, path))) return false
    if (list === undefined || lists.has(list.length)) return true
    lists.add(list.length)
  }
  return true
}

function issuesOf(schema: StandardSchema, data: unknown): readonly SchemaIssue[] {
  try {
    const result = schema['~standard'].validate(data)
    return result instanceof Promise ? [] : (result.issues ?? [])
  } catch {
    // It cannot do with half of the data, so it cannot be asked.
    return []
  }
}

function nested(path: readonly string[], lists: ReadonlySet<number>): unknown {
  let value: unknown = erased
  for (let at = path.length - 1; at >= 0; at--) {
    if (lists.has(at + 1)) value = [value]
    value = { [path[at] ?? '']: value }
  }
  return value
}

/** The names on the way to an issue, without places in lists. */
function placeOf({ path = [] }: SchemaIssue): readonly string[] {
  return path.map((part) => (typeof part === 'object' ? part.key : part)).filter((part) => typeof part === 'string')
}

function startsWith(path: readonly string[], start: readonly string[]): boolean {
  return start.every((name, at) => path[at] === name)
}

function invalid(type: string, what: string, field: string, why: string): EstafetError {
  return new EstafetError('INVALID_MESSAGE', `${what} of ${type} ${why}.`, { details: { type, fields: [field] } })
}
