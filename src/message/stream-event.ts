import { decoded, validate } from './definition.ts'
import { EstafetError } from './errors.ts'
import { maskFaults } from './mask.ts'
import type { MessageContext, StoredMessage } from './message.ts'
import { type Personal, type PersonalFields, personalFaults, personalOf } from './personal.ts'
import type { SchemaInput, SchemaOutput, StandardSchema } from './standard-schema.ts'
import { type Upcasts, upcastFaults, type Versions } from './upcast.ts'

export interface StreamEventOptions<Schema extends StandardSchema> {
  /** Of the data's shape, from 1. */
  readonly version: number
  readonly schema: Schema
  /**
   * Fields that only administrators may see in the ops API, such as `customer.email`; in a list, of each item. Those of older
   * versions are named, too: an event is shown as it is stored.
   */
  readonly mask?: readonly string[]
  /** Fields that are about a person, and can be erased with it. (Default: none.) */
  readonly personal?: PersonalFields<SchemaOutput<Schema>>
  /** By version, what makes data of it data of the next, from `since` to the version before this one. */
  readonly upcast?: Upcasts
  /** The oldest version that it reads. (Default: 1.) */
  readonly since?: number
}

/** What a stream event returns: validated data on its way into a stream. */
export interface OutgoingEvent<Data = unknown> {
  readonly type: string
  readonly version: number
  readonly data: Data
  readonly context: MessageContext
  /** What of the data is about whom; left out for nothing. */
  readonly personal?: Personal
}

/** An event of a stream with its data decoded, brought to the newest version and validated. */
export interface ReceivedEvent<Data = unknown> extends Omit<StoredMessage, 'payload'> {
  readonly data: Data
  /** Its number in the stream, from 1. */
  readonly streamVersion: number
}

/**
 * The type of a private event: what happened to one thing, in the stream of that thing. Call it with data to get an event
 * for an append. The call validates: throws INVALID_MESSAGE, naming each field at fault and never quoting its value.
 */
export interface StreamEventType<Input = unknown, Data = Input> {
  (data: Input, context?: MessageContext): OutgoingEvent<Data>
  readonly type: string
  readonly version: number
  readonly since: number
  /** Fields that the ops API hides; see StreamEventOptions. */
  readonly mask: readonly string[]
  /** Fields that are sealed wherever they are stored; see StreamEventOptions. */
  readonly personalFields: readonly string[]
  /** What its data must satisfy. */
  readonly schema: StandardSchema
  /** The data of a stored event, at this version. Throws UNDECODABLE or INVALID_MESSAGE. */
  readonly read: (stored: Pick<StoredMessage, 'payload' | 'version'>) => Data
}

const namePattern = /^[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z][A-Za-z0-9-]*)*$/

/**
 * Defines an event of a stream, `streamEvent('ItemAdded', { version: 1, schema })`. Private: other services hear of it by a
 * message that is published with it. The schema is any Standard Schema.
 *
 * Throws MISCONFIGURED, with all faults at once, for a bad name or version, or a chain of upcasts with a hole.
 */
export function streamEvent<Schema extends StandardSchema>(
  type: string,
  options: StreamEventOptions<Schema>,
): StreamEventType<SchemaInput<Schema>, SchemaOutput<Schema>> {
  const { version, schema, mask = [], personal, since = 1, upcast: upcasts = {} } = options
  const versions: Versions = { version, since, upcasts }
  refuseFaults(type, versions, [...maskFaults(mask), ...personalFaults(schema, personal?.fields)])
  const create = (input: SchemaInput<Schema>, context: MessageContext = {}): OutgoingEvent<SchemaOutput<Schema>> => {
    const data = validate(type, schema, input)
    return { type, version, context, data, ...personalOf(type, personal, data, null) }
  }
  return Object.assign(create, {
    ...{ type, version, since, mask, personalFields: personal?.fields ?? [], schema },
    read: (stored: Pick<StoredMessage, 'payload' | 'version'>) => decoded(type, schema, versions, stored, personal),
  })
}

function refuseFaults(type: string, versions: Versions, ofFields: readonly string[]): void {
  const faults: string[] = [...ofFields]
  if (!namePattern.test(type) || type.length > 200) {
    faults.push(`the type ${JSON.stringify(type)} must look like ThingHappened or context.thing-happened`)
  }
  const { version } = versions
  if (!Number.isSafeInteger(version) || version < 1 || version > 32_767) {
    faults.push(`the version ${version} must be a whole number from 1 to 32767`)
  } else {
    faults.push(...upcastFaults(versions))
  }
  if (faults.length > 0) throw new EstafetError('MISCONFIGURED', `A stream event is misdefined: ${faults.join('; ')}.`)
}
