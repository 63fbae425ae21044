import type { Schema } from '../../src/ops/answers.ts'

export type Json = Record<string, unknown>

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What of an answer is not as its schema says; a field that the schema does not name is a fault, too. */
export function faultsOf(value: unknown, schema: Schema, path = '$'): readonly string[] {
  if (!('type' in schema)) return []
  const types = typeof schema.type === 'string' ? [schema.type] : [...schema.type]
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  const isType = types.includes(type) || (type === 'number' && types.includes('integer') && Number.isInteger(value))
  if (!isType) return [`${path} is ${type}, not ${types.join(' or ')}`]
  if ('enum' in schema && schema.enum !== undefined && !schema.enum.some((each) => each === value))
    return [`${path} is none of its values`]
  if ('items' in schema && Array.isArray(value))
    return value.flatMap((item, at) => faultsOf(item, schema.items, `${path}[${at}]`))
  if (!('properties' in schema) || !isJson(value)) return []
  const missing = schema.required
    .filter((name) => !Object.hasOwn(value, name))
    .map((name) => `${path}.${name} is missing`)
  const isOpen = Object.keys(schema.properties).length === 0
  const inner = Object.entries(value).flatMap(([name, field]) => {
    const known = schema.properties[name]
    if (known === undefined) return isOpen || path === '$.counters' ? [] : [`${path}.${name} is not described`]
    return faultsOf(field, known, `${path}.${name}`)
  })
  return [...missing, ...inner]
}
