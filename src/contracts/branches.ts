import { isObject, isSame, type JsonObject, type JsonSchema, namedSchemas, referred, schemasOf } from './json-schema.ts'

/** A schema and the document that its references are of. */
export interface Place {
  readonly schema: JsonSchema
  readonly root: JsonSchema
}

/**
 * The alternatives of a schema, one of which a value satisfies: those of anyOf and oneOf, of several types, and the values
 * of an enum one by one; with references followed and parts of allOf put together where that is plain.
 */
export function branchesOf({ schema, root }: Place): readonly JsonSchema[] {
  const flat = flattened(schema, root, new Set())
  if (typeof flat === 'boolean') return [flat]
  for (const keyword of ['anyOf', 'oneOf']) {
    const { [keyword]: choices, ...rest } = flat
    if (!Array.isArray(choices)) continue
    return schemasOf(choices).flatMap((choice) => {
      const inner = flattened(choice, root, new Set())
      if (inner === false) return []
      const both = inner === true ? rest : merged([rest, inner])
      return both === null ? [{ ...rest, allOf: [inner] }] : branchesOf({ schema: both, root })
    })
  }
  const { enum: values, ...rest } = flat
  if (Array.isArray(values)) return values.map((value: unknown) => ({ ...rest, const: value }))
  const { type, ...others } = flat
  if (Array.isArray(type)) return type.map((each: unknown) => ({ ...others, type: each }))
  return [flat]
}

/** With what its references lead to in place of them. `seen` ends a circle of references that hold nothing else. */
function flattened(schema: JsonSchema, root: JsonSchema, seen: ReadonlySet<string>): JsonSchema {
  if (typeof schema === 'boolean') return schema
  const { $ref: ref } = schema
  if (typeof ref === 'string' && !seen.has(ref)) {
    const target = referred(root, ref)
    // In draft 7 what stands beside a reference does not count.
    return target === null ? schema : flattened(target, root, new Set([...seen, ref]))
  }
  const { allOf, ...rest } = schema
  if (!Array.isArray(allOf)) return schema
  const parts = schemasOf(allOf).map((part) => flattened(part, root, seen))
  if (parts.includes(false)) return false
  return merged([rest, ...parts.filter(isObject)]) ?? schema
}

/** Several schemas that all hold, as one; null when two say different things about the same. */
function merged(parts: readonly JsonObject[]): JsonObject | null {
  let made: JsonObject = {}
  for (const part of parts) {
    const next: Record<string, unknown> = { ...made }
    for (const [keyword, value] of Object.entries(part)) {
      const before = made[keyword]
      if (before === undefined || isSame(before, value)) next[keyword] = value
      else if (keyword === 'required' && Array.isArray(before) && Array.isArray(value)) {
        next[keyword] = [...new Set([...before, ...value])]
      } else if (keyword === 'properties') next[keyword] = mergedProperties(before, value)
      else return null
    }
    made = next
  }
  return made
}

function mergedProperties(before: unknown, value: unknown): Readonly<Record<string, JsonSchema>> {
  const [one, other] = [namedSchemas(before), namedSchemas(value)]
  const both = Object.entries(other).map(([name, schema]): [string, JsonSchema] => {
    const first = one[name]
    return [name, first === undefined || isSame(first, schema) ? schema : { allOf: [first, schema] }]
  })
  return { ...one, ...Object.fromEntries(both) }
}
