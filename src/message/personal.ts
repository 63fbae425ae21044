import { changeAt } from './change-at.ts'
import { EstafetError } from './errors.ts'
import { fieldShape } from './field-shape.ts'
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
  return typeof value.$sealed === 'string' && isSubject(value.subject)
}

/** Tells whether a value can name a person; whoever may write to a topic can put anything there. */
export function isSubject(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > 512) return false
  return value.isWellFormed() && !value.includes('\u0000')
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
  return changeAt(data, undefined, field.split('.'), change)
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
  if (!isSubject(subject)) {
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

/** What was opened in a message, for who decodes it. */
export interface OpenedMarks {
  /** Of whom something was opened. */
  readonly subjects: readonly string[]
  /** Fields of which the person was erased. */
  readonly erasedFields: readonly string[]
}

const openedMarks: unique symbol = Symbol.for('estafet.opened')

export function marked<Message extends object>(message: Message, marks: OpenedMarks): Message {
  return { ...message, [openedMarks]: marks }
}

function marksOf(stored: object & { readonly [openedMarks]?: OpenedMarks }): OpenedMarks {
  return stored[openedMarks] ?? { subjects: [], erasedFields: [] }
}

/**
 * Refuses data in which something was opened that is not of its own person, or in which a schema made something else of
 * what was erased. Throws UNDECODABLE.
 */
export function refuseForeign<Data>(
  type: string,
  personal: PersonalFields<Data> | undefined,
  stored: object,
  data: Data,
  isNewest: boolean,
): void {
  const { subjects, erasedFields } = marksOf(stored)
  if (subjects.length > 0 && personal === undefined) {
    throw undecodable(type, 'holds personal values, and its definition here names no personal fields')
  }
  if (subjects.some((subject) => subject !== subjectOf(personal, data))) {
    throw undecodable(type, 'holds personal values of somebody whom it is not about')
  }
  // Fields of older versions may have other names by now.
  if (!isNewest) return
  for (const field of erasedFields) {
    changeField(data, field, (value) => {
      if (!isErased(value))
        throw undecodable(type, `has a schema that makes something else of what is erased at ${field}`)
      return value
    })
  }
}

function subjectOf<Data>(personal: PersonalFields<Data> | undefined, data: Data): unknown {
  try {
    return personal?.subject(data)
  } catch {
    // It says of nobody that he is meant.
    return undefined
  }
}

/** What is wrong with the personal fields of a definition: sentences, none when its schema admits `erased` in each. */
export function personalFaults(schema: StandardSchema, fields: readonly string[] | undefined): readonly string[] {
  if (fields === undefined) return []
  if (fields.length === 0) return ['personal names no fields']
  const within = fields.find((field, at) =>
    fields.some((other, place) => place !== at && `${field}.`.startsWith(`${other}.`)),
  )
  if (within !== undefined) return [`the personal field ${within} is named twice, or within another one`]
  return fields.flatMap((field) => {
    const path = field.split('.')
    if (path.includes('')) return [`the personal field ${JSON.stringify(field)} must be names joined by dots`]
    const shape = fieldShape(schema, path)
    if (shape === 'missing') return [`the schema has no field ${field}, which is said to be personal`]
    const admits = shape === 'unknown' ? admitsErased(schema, path) : shape === 'admits'
    return admits ? [] : [`the schema must admit \`erased\` in the personal field ${field}`]
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

function undecodable(type: string, why: string): EstafetError {
  return new EstafetError('UNDECODABLE', `${type} ${why}.`, { details: { type } })
}

function invalid(type: string, what: string, field: string, why: string): EstafetError {
  return new EstafetError('INVALID_MESSAGE', `${what} of ${type} ${why}.`, { details: { type, fields: [field] } })
}
