/** A JSON Schema of draft 7, as it came from somebody else: nothing of it is believed before it was looked at. */
export type JsonSchema = boolean | JsonObject

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A value as a schema; what is none refuses nothing. */
export function schemaOf(value: unknown): JsonSchema {
  return typeof value === 'boolean' || isObject(value) ? value : true
}

/** The schemas of a list, or none. */
export function schemasOf(value: unknown): readonly JsonSchema[] {
  return Array.isArray(value) ? value.map(schemaOf) : []
}

/** The schemas by name, or none. */
export function namedSchemas(value: unknown): Readonly<Record<string, JsonSchema>> {
  if (!isObject(value)) return {}
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, schemaOf(each)]))
}

/** The texts of a list, or none. */
export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : []
}

/** A JSON value with the names of its objects in order, so that equal values have equal texts. */
export function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (!isObject(value)) return value
  const names = Object.keys(value).toSorted()
  return Object.fromEntries(names.map((name) => [name, ordered(value[name])]))
}

/** Tells whether two JSON values are the same, in whichever order their objects name things. */
export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(ordered(one)) === JSON.stringify(ordered(other))
}

/** What a local reference (`#`, `#/definitions/line`) leads to in a document; null when it leads nowhere. */
export function referred(root: JsonSchema, ref: string): JsonSchema | null {
  if (ref !== '#' && !ref.startsWith('#/')) return null
  let at: unknown = root
  for (const part of ref.split('/').slice(1)) {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (!isObject(at) || !Object.hasOwn(at, name)) return null
    at = at[name]
  }
  return typeof at === 'boolean' || isObject(at) ? at : null
}
