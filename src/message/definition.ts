import { EstafetError } from './errors.ts'
import { decodeJson } from './json.ts'
import { maySeal, type PersonalFields, refuseForeign } from './personal.ts'
import type { SchemaOutput, StandardSchema } from './standard-schema.ts'
import { issuePath } from './standard-schema.ts'
import { upcastData, type Versions } from './upcast.ts'

/** Checks data against an event's schema. Throws INVALID_MESSAGE, naming each field at fault and never quoting its value. */
export function validate<Schema extends StandardSchema>(
  type: string,
  schema: Schema,
  data: unknown,
): SchemaOutput<Schema> {
  const result = schema['~standard'].validate(data)
  if (result instanceof Promise) {
    throw new EstafetError(
      'MISCONFIGURED',
      `The schema of ${type} validates asynchronously; give the event a schema that answers at once.`,
    )
  }
  if (result.issues === undefined) return result.value
  const fields = [...new Set(result.issues.map(issuePath))]
  throw new EstafetError('INVALID_MESSAGE', `${type} has invalid data at: ${fields.join(', ')}.`, {
    details: { type, fields },
  })
}

/**
 * The data of a stored message: decoded, brought to the newest version, checked. Every read path goes through here. Throws
 * UNDECODABLE, also for what is still sealed or of somebody else, or INVALID_MESSAGE.
 */
export function decoded<Schema extends StandardSchema>(
  type: string,
  schema: Schema,
  versions: Versions,
  stored: { readonly payload: string; readonly version: number },
  personal?: PersonalFields<SchemaOutput<Schema>>,
): SchemaOutput<Schema> {
  if (maySeal(stored.payload)) throw stillSealed(type)
  const data = validate(type, schema, upcastData(type, versions, stored.version, decodeJson(stored.payload)))
  refuseForeign(type, personal, stored, data, stored.version === versions.version)
  return data
}

function stillSealed(type: string): EstafetError {
  return new EstafetError(
    'UNDECODABLE',
    `${type} holds personal values that did not open: give the service the vault that sealed them; with it, they were changed.`,
    { details: { type } },
  )
}
