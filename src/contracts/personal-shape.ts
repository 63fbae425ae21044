import { isObject, type JsonObject, type JsonSchema } from './json-schema.ts'

/** What stands in the place of a personal value for who has no keys. */
const sealedShape: JsonObject = {
  type: 'object',
  description: 'Sealed: it opens with the key of its subject, until that is erased.',
  properties: { $sealed: { type: 'string' }, subject: { type: 'string' } },
  required: ['$sealed', 'subject'],
}

/** A schema whose personal fields may also be sealed, as they are on the way; null when one of them is not found in it. */
export function withSealedFields(schema: JsonSchema, fields: readonly string[]): JsonSchema | null {
  return fields.reduce<JsonSchema | null>((made, field) => (made === null ? null : at(made, field.split('.'))), schema)
}

function at(schema: JsonSchema, [name, ...rest]: readonly string[]): JsonSchema | null {
  if (name === undefined) return { anyOf: [schema, sealedShape] }
  if (!isObject(schema)) return null
  const { properties, items } = schema
  if (isObject(properties) && Object.hasOwn(properties, name)) {
    const inner = properties[name]
    const made = typeof inner === 'boolean' || isObject(inner) ? at(inner, rest) : null
    return made === null ? null : { ...schema, properties: { ...properties, [name]: made } }
  }
  if (!isObject(items)) return null
  const made = at(items, [name, ...rest])
  return made === null ? null : { ...schema, items: made }
}
