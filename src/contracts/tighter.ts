import { isSame, type JsonObject } from './json-schema.ts'

/** What says nothing about values. */
const annotations = ['title', 'description', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly']
const names = ['$schema', '$id', '$comment', '$defs', 'definitions', 'id', '$anchor']
/** What is compared by what it holds, elsewhere. */
const structural = ['type', 'properties', 'required', 'additionalProperties', 'items', 'additionalItems']
const passed: ReadonlySet<string> = new Set([...annotations, ...names, ...structural])

const atLeast: ReadonlySet<string> = new Set(['minLength', 'minItems', 'minProperties'])
const atMost: ReadonlySet<string> = new Set(['maxLength', 'maxItems', 'maxProperties'])

/**
 * The keywords by which a reader accepts less than a writer may write. One that is not known here must be the same on
 * both sides: a pattern, for one, cannot be compared with another.
 */
export function tighterKeywords(writes: JsonObject, reads: JsonObject): readonly string[] {
  return Object.keys(reads).filter((keyword) => {
    if (passed.has(keyword) || keyword.startsWith('x-')) return false
    const [written, read] = [writes[keyword], reads[keyword]]
    if (atLeast.has(keyword)) return !(Number(written ?? 0) >= Number(read))
    if (atMost.has(keyword)) return !(Number(written ?? Number.POSITIVE_INFINITY) <= Number(read))
    if (keyword === 'minimum' || keyword === 'exclusiveMinimum') return !isAbove(writes, Number(read), keyword)
    if (keyword === 'maximum' || keyword === 'exclusiveMaximum') return !isBelow(writes, Number(read), keyword)
    if (keyword === 'multipleOf') return !(Number(written) % Number(read) === 0)
    // Names are text: to say so says nothing.
    if (keyword === 'propertyNames' && isSame(read, { type: 'string' })) return false
    if (keyword === 'uniqueItems') return read === true && written !== true
    return !isSame(written, read)
  })
}

function isAbove(writes: JsonObject, bound: number, keyword: string): boolean {
  const [least, above] = [writes['minimum'], writes['exclusiveMinimum']]
  if (typeof above === 'number' && above >= bound) return true
  return typeof least === 'number' && (keyword === 'minimum' ? least >= bound : least > bound)
}

function isBelow(writes: JsonObject, bound: number, keyword: string): boolean {
  const [most, below] = [writes['maximum'], writes['exclusiveMaximum']]
  if (typeof below === 'number' && below <= bound) return true
  return typeof most === 'number' && (keyword === 'maximum' ? most <= bound : most < bound)
}

/** Tells whether a reader refuses one value, which its writer names. */
export function refusesValue(reads: JsonObject, value: unknown): boolean {
  if ('const' in reads) return !isSame(reads['const'], value)
  const { type } = reads
  const isTyped = type === undefined || type === typeOf(value) || (type === 'number' && typeOf(value) === 'integer')
  return !isTyped || tighterKeywords(asLimits(value, reads), reads).length > 0 || isLimitedInside(reads, value)
}

/** A value as the tightest schema of itself. */
function asLimits(value: unknown, reads: JsonObject): JsonObject {
  if (typeof value === 'number') {
    const { multipleOf } = reads
    const isMultiple = typeof multipleOf === 'number' && value % multipleOf === 0
    return { minimum: value, maximum: value, ...(isMultiple ? { multipleOf } : {}) }
  }
  if (typeof value !== 'string') return {}
  const { pattern, format } = reads
  const length = [...value].length
  const matches = typeof pattern === 'string' && new RegExp(pattern, 'u').test(value)
  // A pattern beside a format is what the vendor checks it by.
  return { minLength: length, maxLength: length, ...(matches ? { pattern, format } : {}) }
}

function isLimitedInside(reads: JsonObject, value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && ('properties' in reads || 'required' in reads || 'items' in reads)
  )
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}
