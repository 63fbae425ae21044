import { EstafetError } from '../message/errors.ts'
import type { StoredMessage } from '../message/message.ts'
import type { RelayedMessage } from '../ports/sink.ts'
import type { ForeignPlace, WireMessage } from './attributes.ts'
import { fromPayload, toBinary } from './binary.ts'
import { payloadText } from './payload-text.ts'
import { instantOf, plainName, plainText } from './plain-text.ts'

/** What a foreign form says of a message. What it leaves out is taken from its place, as for any message of others. */
export interface DecodedMessage {
  readonly type: string
  /** JSON text: what the event's schema will see. */
  readonly payload: string
  /** The same whenever it is sent again. */
  readonly id?: string
  readonly key?: string
  readonly version?: number
  /** ISO 8601 in UTC. */
  readonly time?: string
  readonly correlationId?: string
}

/** Where a value was found, and whether it can be trusted to be text. */
export interface CodedPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** The broker's key of the record. */
  readonly key: string | null
  /** False when the bytes were no UTF-8: the value then has replacement characters. */
  readonly isText: boolean
}

/**
 * The form of a topic's values, where others read or write it who know nothing of us.
 *
 * Position and chain of our own messages go beside the value, as headers that others ignore: between services with the
 * toolkit a topic with a codec keeps all promises.
 */
export interface ValueCodec {
  /** The value of a message. The same for the same message; throwing stops the relay, because no other can take its place. */
  encode(message: StoredMessage): string
  /**
   * What a value says. Answer a type of its own for what cannot be read, so that a handler can record it: a decoder that
   * throws leaves the message as it is, with the topic as its type and the value as its payload.
   *
   * Of a message that has our headers only the payload is taken.
   */
  decode(value: string, place: CodedPlace): DecodedMessage
  /** (Default: application/json.) */
  readonly contentType?: string
}

/** A message as record headers and value, the value in the codec's form. Throws MISCONFIGURED when the codec throws. */
export function toCoded(codec: ValueCodec | undefined, relayed: RelayedMessage): ReturnType<typeof toBinary> {
  const { headers, value } = toBinary(relayed)
  if (codec === undefined) return { headers, value }
  const { contentType = 'application/json' } = codec
  return { headers: { ...headers, 'content-type': contentType }, value: encoded(codec, relayed.message) }
}

function encoded(codec: Pick<ValueCodec, 'encode'>, message: StoredMessage): string {
  try {
    return codec.encode(message)
  } catch (cause) {
    throw refused(message, cause)
  }
}

/** A codec that cannot encode what was published. What it threw may hold content, so only its name is told. */
export function refused({ id, topic, type }: StoredMessage, cause: unknown): EstafetError {
  return new EstafetError(
    'MISCONFIGURED',
    `The codec of the topic ${topic} cannot encode the message ${id} (${type}).`,
    {
      details: { topic, id, type, error: cause instanceof Error ? cause.name : typeof cause },
    },
  )
}

/** The message of headers and a value in the codec's form. Never throws. */
export function fromCoded(
  codec: ValueCodec | undefined,
  headers: Readonly<Record<string, string>>,
  value: Uint8Array | string | null,
  topic: string,
  place: ForeignPlace,
): WireMessage {
  const payload = payloadText(value)
  const wire = fromPayload(headers, payload, topic, place)
  if (codec === undefined) return wire
  const { partition, offset, key = null } = place
  const decoded = decodedOrNull(() =>
    codec.decode(wire.message.payload, { topic, partition, offset, key, isText: payload.isText }),
  )
  return decoded === null ? wire : completed(wire, decoded, (attribute) => headers[`ce_${attribute}`] !== undefined)
}

/** What a codec says, null when it throws or says what no message can be: JSON of others is not what its type claims. */
export function decodedOrNull(decode: () => DecodedMessage): DecodedMessage | null {
  try {
    const decoded = decode()
    const { type, payload, version = 1, id = '-', key = '-', time = '-', correlationId = '-' } = decoded
    const isText = [type, payload, id, key, time, correlationId].every(
      (each) => typeof each === 'string' && each !== '',
    )
    return isText && Number.isInteger(version) && version > 0 && version <= 32_767 ? decoded : null
  } catch {
    return null
  }
}

/** A message with what its form says of it, where no attribute beside it says it. */
export function completed(
  { message, ...of }: WireMessage,
  decoded: DecodedMessage,
  isGiven: (attribute: string) => boolean,
): WireMessage {
  const id = isGiven('id') ? message.id : plainName(decoded.id ?? message.id)
  const hasKey = isGiven('partitionkey') || isGiven('subject')
  return {
    ...of,
    ...(of.previous === null && decoded.id !== undefined ? { hasSendersId: true } : {}),
    message: {
      ...message,
      id,
      payload: decoded.payload,
      type: isGiven('type') ? message.type : plainName(decoded.type),
      version: isGiven('eventversion') ? message.version : (decoded.version ?? message.version),
      time: (isGiven('time') ? null : instantOf(decoded.time)) ?? message.time,
      key: hasKey ? message.key : plainName(decoded.key ?? (message.key === message.id ? id : message.key)),
      correlationId: isGiven('correlationid') ? message.correlationId : plainText(decoded.correlationId ?? id),
    },
  }
}
