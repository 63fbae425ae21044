import { decoded, validate } from './definition.ts'
import { EstafetError } from './errors.ts'
import { maskFaults } from './mask.ts'
import {
  type MessageContext,
  type OutgoingMessage,
  type ReceivedMessage,
  type StoredMessage,
  withData,
} from './message.ts'
import { type PersonalFields, personalFaults, personalOf, withoutSealed } from './personal.ts'
import type { SchemaInput, SchemaOutput, StandardSchema } from './standard-schema.ts'
import { type Upcasts, upcastFaults, type Versions } from './upcast.ts'

export interface EventOptions<Schema extends StandardSchema> {
  /** Of the data's shape, from 1. */
  readonly version: number
  readonly schema: Schema
  /** Names the thing the event is about; one to 512 characters. Events of one key keep their order. */
  readonly key: (data: SchemaOutput<Schema>) => string
  /**
   * Where it is published. Left out: the context, which is the type up to its last dot, so that all events of a
   * context share one topic and with it the order of each key.
   */
  readonly topic?: string
  /**
   * Fields that only administrators may see in the ops API, such as `customer.email`; in a list, of each item. Others get
   * `***` for them.
   */
  readonly mask?: readonly string[]
  /** Fields that are about a person, and can be erased with it. (Default: none.) */
  readonly personal?: PersonalFields<SchemaOutput<Schema>>
  /** By version, what makes data of it data of the next, from `since` to the version before this one. */
  readonly upcast?: Upcasts
  /** The oldest version that it reads. (Default: 1.) */
  readonly since?: number
}

/**
 * An event type: call it with data to get a message for `publish`.
 *
 * The call validates. Throws INVALID_MESSAGE, naming each field at fault and never quoting its value.
 */
export interface EventType<Input = unknown, Data = Input> {
  (data: Input, context?: MessageContext): OutgoingMessage
  readonly type: string
  readonly version: number
  readonly topic: string
  /** Fields that the ops API hides; see EventOptions. */
  readonly mask: readonly string[]
  /** Fields that are sealed wherever they are stored or sent; see EventOptions. */
  readonly personalFields: readonly string[]
  /** The oldest version that it reads. */
  readonly since: number
  /** What its data must satisfy. */
  readonly schema: StandardSchema
  /** The key that it gives the data of a stored message. Throws as `receive` does. */
  readonly keyOf: (message: Pick<StoredMessage, 'payload' | 'version'>) => string
  /** Decodes a stored message, brings it to this version and validates it. Throws UNDECODABLE or INVALID_MESSAGE. */
  readonly receive: (message: StoredMessage) => ReceivedMessage<Data>
}

const namePattern = /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+$/
const topicPattern = /^[a-z0-9][a-z0-9._-]{0,199}$/

/**
 * Defines an event type, `event('order.placed', { version: 1, schema, key })`. The schema is any Standard Schema.
 *
 * Throws MISCONFIGURED, with all faults at once, for a bad name, topic or version.
 */
export function event<Schema extends StandardSchema>(
  type: string,
  options: EventOptions<Schema>,
): EventType<SchemaInput<Schema>, SchemaOutput<Schema>> {
  const topic = options.topic ?? type.slice(0, Math.max(0, type.lastIndexOf('.')))
  const { mask = [], personal } = options
  const personalFields = personal?.fields ?? []
  const { version, since = 1, upcast: upcasts = {} } = options
  const versions: Versions = { version, since, upcasts }
  refuseFaults(type, topic, versions, [...maskFaults(mask), ...personalFaults(options.schema, personal?.fields)])
  const check = (data: unknown): SchemaOutput<Schema> => validate(type, options.schema, data)
  const create = (input: SchemaInput<Schema>, context: MessageContext = {}): OutgoingMessage => {
    const data = check(input)
    const key = checkedKey(type, options.key(data))
    return { type, version, topic, key, data, context, ...personalOf(type, personal, data, key) }
  }
  const receive = (message: StoredMessage): ReceivedMessage<SchemaOutput<Schema>> =>
    withData(message, decoded(type, options.schema, versions, message, personal))
  const keyOf = (message: Pick<StoredMessage, 'payload' | 'version'>): string =>
    checkedKey(type, options.key(decoded(type, options.schema, versions, withoutSealed(message))))
  const { schema } = options
  return Object.assign(create, { type, version, since, topic, mask, personalFields, schema, keyOf, receive })
}

function checkedKey(type: string, key: unknown): string {
  if (typeof key === 'string' && key.length > 0 && key.length <= 512 && !key.includes('\u0000') && key.isWellFormed()) {
    return key
  }
  throw new EstafetError('INVALID_MESSAGE', `The key of ${type} must be text of 1 to 512 well-formed characters.`, {
    details: { type, fields: ['(key)'] },
  })
}

function refuseFaults(type: string, topic: string, versions: Versions, ofFields: readonly string[]): void {
  const { version } = versions
  const faults: string[] = [...ofFields]
  if (!namePattern.test(type) || type.length > 200) {
    faults.push(`the type ${JSON.stringify(type)} must look like context.thing-happened`)
  }
  if (!topicPattern.test(topic)) {
    faults.push(`the topic ${JSON.stringify(topic)} must be 1 to 200 of a-z 0-9 . _ -`)
  }
  if (!Number.isSafeInteger(version) || version < 1 || version > 32_767) {
    faults.push(`the version ${version} must be a whole number from 1 to 32767`)
  } else {
    faults.push(...upcastFaults(versions))
  }
  if (faults.length > 0) throw new EstafetError('MISCONFIGURED', `An event is misdefined: ${faults.join('; ')}.`)
}
