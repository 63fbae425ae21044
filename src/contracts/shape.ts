import { type StandardSchema, vendorJsonSchema } from '../message/standard-schema.ts'
import { isObject, isSame, type JsonObject, type JsonSchema } from './json-schema.ts'

/** The shape of an event's data at one version, from both sides. */
export interface Shape {
  /** What publishers write: the schema's output. */
  readonly writes: JsonSchema
  /** What readers accept: the schema's input. Wider than `writes` where a field has a default. */
  readonly reads: JsonSchema
}

/** Makes JSON Schema of a schema. Satisfied by `z.toJSONSchema`; a method, so that it may ask for its own kind of schema. */
export type ToJsonSchema = { convert(schema: StandardSchema, options: ToJsonSchemaOptions): unknown }['convert']

export interface ToJsonSchemaOptions {
  /** input: what the schema accepts. output: what it gives. */
  readonly io: 'input' | 'output'
  readonly target: 'draft-07'
}

/**
 * The shape of a schema; null when there is no way to tell it: its vendor does not know Standard JSON Schema, or it
 * holds what JSON Schema cannot say, such as a transform, on both sides. A side that can be told stands for the other.
 *
 * @source https://standardschema.dev/json-schema
 */
export function shapeOf(schema: StandardSchema, convert: ToJsonSchema = ofVendor): Shape | null {
  const input = side(schema, convert, 'input')
  const output = side(schema, convert, 'output')
  const writes = output ?? input
  const reads = input ?? output
  return writes === null || reads === null ? null : { writes: closed(writes), reads }
}

/** A shape as a contract file has it: once, when both sides are the same. */
export function shapeText({ writes, reads }: Shape): JsonObject {
  return isSame(closed(reads), writes) ? { schema: reads } : { schema: writes, reads }
}

/** A shape of a contract file. */
export function shapeOfText({ schema, reads }: { readonly schema: JsonSchema; readonly reads?: JsonSchema }): Shape {
  return { writes: closed(schema), reads: reads ?? schema }
}

function side(schema: StandardSchema, convert: ToJsonSchema, io: 'input' | 'output'): JsonObject | null {
  const made = settled(converted(() => convert(schema, { io, target: 'draft-07' })))
  if (!isObject(made)) return null
  const { $schema: _, ...rest } = made
  return rest
}

/** Vendors throw for what JSON Schema cannot say. What they add beside the JSON is dropped. */
function converted(convert: () => unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(convert()) ?? 'null')
  } catch {
    return null
  }
}

/** The toolkit needs no package of theirs. */
const ofVendor: ToJsonSchema = (schema, { io }) => vendorJsonSchema(schema, io)

/**
 * Without `additionalProperties: false`: a writer writes what it declares, whether its schema says so or not. A reader is
 * another matter: one that says so refuses what is new.
 */
function closed(schema: JsonSchema): JsonSchema {
  const made = opened(schema)
  return typeof made === 'boolean' || isObject(made) ? made : schema
}

function opened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(opened)
  if (!isObject(value)) return value
  const kept = Object.entries(value).filter(([name, each]) => name !== 'additionalProperties' || each !== false)
  return Object.fromEntries(kept.map(([name, each]) => [name, opened(each)]))
}

/** With the names of required fields in order: in which one they were declared says nothing. */
function settled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(settled)
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(([name, each]): [string, unknown] =>
    name === 'required' && Array.isArray(each) ? [name, each.toSorted()] : [name, settled(each)],
  )
  return Object.fromEntries(entries)
}
