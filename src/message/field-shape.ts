import { type StandardSchema, vendorJsonSchema } from './standard-schema.ts'

/**
 * What a schema's JSON Schema says of a field that is to be erasable: that there is none, that `{"$erased": true}` may stand in
 * it or may not, or nothing, because its vendor knows no JSON Schema or refers to parts of it by name.
 *
 * @source https://standardschema.dev/json-schema
 */
export function fieldShape(
  schema: StandardSchema,
  path: readonly string[],
): 'missing' | 'admits' | 'refuses' | 'unknown' {
  const root = jsonSchemaOf(schema)
  return root === null ? 'unknown' : worst(shapesAt(root, path))
}

/** One for each branch in which the field may stand. */
type Shape = ReturnType<typeof fieldShape>

function worst(shapes: readonly Shape[]): Shape {
  const found = shapes.filter((each) => each !== 'missing')
  if (found.length === 0) return 'missing'
  return found.find((each) => each === 'refuses') ?? found.find((each) => each === 'unknown') ?? 'admits'
}

function shapesAt(schema: unknown, [name, ...rest]: readonly string[]): readonly Shape[] {
  if (!isRecord(schema)) return ['unknown']
  if ('$ref' in schema) return ['unknown']
  if (name === undefined) return [admits(schema)]
  const branches = branchesOf(schema)
  if (branches.length > 0) return branches.flatMap((branch) => shapesAt(branch, [name, ...rest]))
  const { properties, items, additionalProperties } = schema
  if (isRecord(properties) && Object.hasOwn(properties, name)) return shapesAt(properties[name], rest)
  if (items !== undefined) return shapesAt(items, [name, ...rest])
  // A map: any name may be there.
  return [isRecord(additionalProperties) ? 'unknown' : 'missing']
}

function admits(schema: Readonly<Record<string, unknown>>): Shape {
  const branches = branchesOf(schema)
  if (branches.length > 0) {
    if (branches.some((branch) => isRecord(branch) && '$ref' in branch)) return 'unknown'
    return branches.some((branch) => isRecord(branch) && admits(branch) === 'admits') ? 'admits' : 'refuses'
  }
  if (Object.keys(schema).length === 0) return 'unknown'
  return isRecord(schema['properties']) && Object.hasOwn(schema['properties'], '$erased') ? 'admits' : 'refuses'
}

function branchesOf(schema: Readonly<Record<string, unknown>>): readonly unknown[] {
  return [schema['anyOf'], schema['oneOf'], schema['allOf']].flatMap((each) => (Array.isArray(each) ? each : []))
}

function jsonSchemaOf(schema: StandardSchema): unknown {
  try {
    return vendorJsonSchema(schema, 'input') ?? null
  } catch {
    // Vendors throw for what JSON Schema cannot say.
    return null
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
