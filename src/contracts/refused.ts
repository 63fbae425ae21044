import { branchesOf, type Place } from './branches.ts'
import { isObject, isSame, type JsonObject, type JsonSchema, namedSchemas, schemaOf, textsOf } from './json-schema.ts'
import { refusesValue, tighterKeywords } from './tighter.ts'

/**
 * Something that one schema allows to be written and another does not accept.
 *
 * absent: a field that need not be there, and must be. refused: values that are not accepted. undeclared: a field that the
 * reader does not know, and it accepts no such field.
 */
export interface Refusal {
  /** As `lines.*.quantity`; `(root)` for the whole. */
  readonly field: string
  readonly kind: 'absent' | 'refused' | 'undeclared'
}

/**
 * What a reader refuses of what a writer may write: none when every value of `writes` satisfies `reads`. Where schemas
 * say things that cannot be compared, such as two patterns, the reader is taken to refuse. Fields that neither side
 * declares do not count, and oneOf is taken as anyOf.
 */
export function refusals(writes: JsonSchema, reads: JsonSchema): readonly Refusal[] {
  return compare({ schema: writes, root: writes }, { schema: reads, root: reads }, '', new Set())
}

function compare(writer: Place, reader: Place, at: string, under: ReadonlySet<string>): readonly Refusal[] {
  // The same on both sides accepts the same; a pair met within itself says nothing new.
  const pair = JSON.stringify([writer.schema, reader.schema])
  if (under.has(pair) || (isSame(writer.schema, reader.schema) && !pair.includes('"$ref"'))) return []
  const within = new Set([...under, pair])
  return branchesOf(writer).flatMap((schema) => branch({ ...writer, schema }, reader, at, within))
}

/** The refusals of the reader's alternative that refuses least. */
function branch(writer: Place, reader: Place, at: string, under: ReadonlySet<string>): readonly Refusal[] {
  const every = branchesOf(reader)
  const akin = every.filter((schema) => isAkin(writer.schema, schema))
  const choices = akin.length > 0 ? akin : every
  const all = choices.map((schema) => one(writer, { ...reader, schema }, at, under))
  const best = all.toSorted((a, b) => a.length - b.length)[0] ?? [refused(at)]
  if (best.length === 0 || choices.length === 1) return best
  // Where there were several, only one of the same kind of thing tells which field it is.
  const alike = all.filter((each) => !each.some(({ field }) => field === nameOf(at)))
  return alike.toSorted((a, b) => a.length - b.length)[0] ?? [refused(at)]
}

function one(writer: Place, reader: Place, at: string, under: ReadonlySet<string>): readonly Refusal[] {
  const { schema: writes } = writer
  const { schema: reads } = reader
  if (writes === false || reads === true) return []
  if (reads === false) return [refused(at)]
  if (writes === true) return isLimiting(reads) ? [refused(at)] : []
  if ('const' in writes) return refusesValue(reads, writes['const']) ? [refused(at)] : []
  if (!isTypeAccepted(writes['type'], reads['type']) || tighterKeywords(writes, reads).length > 0) return [refused(at)]
  return [
    ...fields({ ...writer, schema: writes }, { ...reader, schema: reads }, at, under),
    ...items({ ...writer, schema: writes }, { ...reader, schema: reads }, at, under),
  ]
}

type ObjectPlace = Place & { readonly schema: JsonObject }

function fields(writer: ObjectPlace, reader: ObjectPlace, at: string, under: ReadonlySet<string>): readonly Refusal[] {
  const written = { ...namedSchemas(writer.schema['properties']) }
  const read = namedSchemas(reader.schema['properties'])
  const always = new Set(textsOf(writer.schema['required']))
  const found: Refusal[] = textsOf(reader.schema['required'])
    .filter((name) => !always.has(name))
    .map((name) => ({ field: join(at, name), kind: 'absent' }))
  for (const name of always) if (!Object.hasOwn(written, name)) written[name] = true
  const others = reader.schema['additionalProperties']
  for (const [name, schema] of Object.entries(written)) {
    const own = Object.hasOwn(read, name) ? read[name] : undefined
    if (own !== undefined)
      found.push(...compare({ ...writer, schema }, { ...reader, schema: own }, join(at, name), under))
    else if (others === false) found.push({ field: join(at, name), kind: 'undeclared' })
    else if (isObject(others)) {
      found.push(...compare({ ...writer, schema }, { ...reader, schema: others }, join(at, name), under))
    }
  }
  return [...found, ...otherFields(writer, reader, at, under)]
}

/** Fields that the writer has without naming them: those of a record. */
function otherFields(writer: ObjectPlace, reader: ObjectPlace, at: string, under: ReadonlySet<string>) {
  const rest = writer.schema['additionalProperties']
  if (!isObject(rest) && rest !== true) return []
  const written = new Set(Object.keys(namedSchemas(writer.schema['properties'])))
  const named = Object.entries(namedSchemas(reader.schema['properties'])).filter(([name]) => !written.has(name))
  const readers = [...named.map(([, schema]) => schema), schemaOf(reader.schema['additionalProperties'])]
  return readers
    .flatMap((schema) => compare({ ...writer, schema: rest }, { ...reader, schema }, join(at, '*'), under))
    .slice(0, 1)
}

function items(writer: ObjectPlace, reader: ObjectPlace, at: string, under: ReadonlySet<string>): readonly Refusal[] {
  const [written, read] = [writer.schema['items'], reader.schema['items']]
  if (read === undefined) return []
  const compared = (one: unknown, other: unknown, name: string): readonly Refusal[] =>
    compare({ ...writer, schema: schemaOf(one) }, { ...reader, schema: schemaOf(other) }, join(at, name), under)
  if (!Array.isArray(written) && !Array.isArray(read)) return compared(written, read, '*')
  const [mine, theirs] = [listed(writer.schema), listed(reader.schema)]
  const length = Math.max(mine.first.length, theirs.first.length)
  const limit = writer.schema['maxItems']
  const most = typeof limit === 'number' ? limit : Number.POSITIVE_INFINITY
  const places = Array.from({ length: Math.min(length, most) }, (_, place) =>
    compared(mine.first[place] ?? mine.rest, theirs.first[place] ?? theirs.rest, String(place)),
  )
  return [...places.flat(), ...(most > length ? compared(mine.rest, theirs.rest, '*') : [])]
}

/** The items of a list by their place, and those after them. */
function listed({ items: each, additionalItems }: JsonObject): {
  readonly first: readonly unknown[]
  readonly rest: unknown
} {
  return Array.isArray(each) ? { first: each, rest: additionalItems } : { first: [], rest: each }
}

function isTypeAccepted(written: unknown, read: unknown): boolean {
  return read === undefined || written === read || (written === 'integer' && read === 'number')
}

/** False for alternatives that a field with one value tells apart, such as `kind`. */
function isAkin(writes: JsonSchema, reads: JsonSchema): boolean {
  const [written, read] = [propertiesOf(writes), propertiesOf(reads)]
  return Object.entries(read).every(([name, schema]) => {
    const own = Object.hasOwn(written, name) ? written[name] : undefined
    if (!isObject(schema) || !isObject(own) || !('const' in schema) || !('const' in own)) return true
    return isSame(schema['const'], own['const'])
  })
}

function propertiesOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return isObject(schema) ? namedSchemas(schema['properties']) : {}
}

function isLimiting(reads: JsonObject): boolean {
  const inside = ['type', 'const', 'properties', 'required', 'items']
  return inside.some((keyword) => keyword in reads) || tighterKeywords({}, reads).length > 0
}

function refused(at: string): Refusal {
  return { field: nameOf(at), kind: 'refused' }
}

function nameOf(at: string): string {
  return at === '' ? '(root)' : at
}

function join(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`
}
