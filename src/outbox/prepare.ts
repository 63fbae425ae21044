import { EstafetError } from '../message/errors.ts'
import { encodeJson } from '../message/json.ts'
import type { EncodedMessage, OutgoingMessage } from '../message/message.ts'
import type { OutgoingEvent } from '../message/stream-event.ts'
import { validTraceparent, validTracestate } from '../message/trace-context.ts'
import { uuidV7 } from '../message/uuid.ts'
import { refuseSealed } from '../personal/seal.ts'
import type { Clock } from '../ports/clock.ts'
import type { EncodedEvent } from '../ports/event-store.ts'
import type { Random } from '../ports/random.ts'

export interface MessageLimits {
  /** Of one payload as UTF-8. (Default: 1 MiB, what Kafka accepts unless told otherwise.) */
  readonly maxPayloadBytes: number
  /** Of all headers of one message, names and values. (Default: 8 KiB.) */
  readonly maxHeaderBytes: number
}

export const defaultLimits: MessageLimits = { maxPayloadBytes: 1_048_576, maxHeaderBytes: 8_192 }

/**
 * Encodes messages for a log, in the caller's hands, before anything is written.
 *
 * Throws UNENCODABLE or TOO_LARGE; then none of the messages is published.
 */
export function prepare(
  messages: readonly OutgoingMessage[],
  world: { readonly clock: Clock; readonly random: Random },
  limits: MessageLimits = defaultLimits,
): readonly EncodedMessage[] {
  return messages.map((message) => {
    const { context } = message
    const id = uuidV7(world.clock.now(), world.random.bytes(10))
    const payload = encodeJson(message.data)
    refuseSealed({ type: message.type, payload })
    refuseOversize(message.type, 'payload', byteLength(payload), limits.maxPayloadBytes)
    return {
      id,
      type: message.type,
      version: message.version,
      topic: message.topic,
      key: message.key,
      correlationId: headerText(message.type, 'correlation-id', context.correlationId) ?? id,
      causationId: headerText(message.type, 'causation-id', context.causationId) ?? null,
      traceparent: validTraceparent(context.traceparent),
      headers: checkedHeaders(message, limits),
      payload,
    }
  })
}

/** Refuses messages that are too large once they are sealed. Throws TOO_LARGE. */
export function refuseTooLarge(
  messages: readonly { readonly type: string; readonly payload: string }[],
  limits: MessageLimits = defaultLimits,
): void {
  for (const { type, payload } of messages) {
    refuseOversize(type, 'payload', byteLength(payload), limits.maxPayloadBytes)
  }
}

/** The same for events of streams, which have a place there in the place of topic and key. */
export function prepareEvents(
  events: readonly OutgoingEvent[],
  world: { readonly clock: Clock; readonly random: Random },
  limits: MessageLimits = defaultLimits,
): readonly EncodedEvent[] {
  return prepare(
    events.map((event) => ({ ...event, topic: '', key: '' })),
    world,
    limits,
  ).map(({ topic: _, key: __, ...encoded }) => encoded)
}

const headerName = /^[a-z0-9][a-z0-9-]{0,99}$/

function checkedHeaders(message: OutgoingMessage, limits: MessageLimits): Readonly<Record<string, string>> {
  const headers = Object.entries(message.context.headers ?? {})
  let size = 0
  for (const [name, value] of headers) {
    if (!headerName.test(name)) {
      throw unencodable(message.type, 'a header name must be 1 to 100 of a-z, 0-9 and -')
    }
    headerText(message.type, name, value)
    size += name.length + byteLength(value)
  }
  refuseOversize(message.type, 'headers', size, limits.maxHeaderBytes)
  return withTracestate(message.context.traceparent, Object.fromEntries(headers))
}

/** A tracestate says something about its traceparent, and goes where that goes; an invalid one is dropped. */
function withTracestate(
  traceparent: string | undefined,
  { tracestate, ...others }: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const valid = validTraceparent(traceparent) === null ? null : validTracestate(tracestate)
  return valid === null ? others : { ...others, tracestate: valid }
}

function headerText(type: string, name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value.length > 4096 || value.includes('\u0000') || !value.isWellFormed()) {
    throw unencodable(type, `the header ${name} must be well-formed text without NUL, at most 4096 characters`)
  }
  return value
}

function refuseOversize(type: string, what: string, bytes: number, limit: number): void {
  if (bytes <= limit) return
  throw new EstafetError(
    'TOO_LARGE',
    `The ${what} of ${type} take ${bytes} bytes and the limit is ${limit}; publish a reference, or several messages.`,
    { details: { type, bytes, limit } },
  )
}

function unencodable(type: string, why: string): EstafetError {
  return new EstafetError('UNENCODABLE', `${type} cannot be encoded: ${why}.`, { details: { type } })
}

function byteLength(text: string): number {
  return encoder.encode(text).length
}

const encoder = new TextEncoder()
