import type { RelayedMessage } from '../ports/sink.ts'
import { attributesOf, type ForeignPlace, messageOf, type WireMessage } from './attributes.ts'
import { extensionHeaders } from './extension-headers.ts'
import { lostHeader, type PayloadText, payloadText } from './payload-text.ts'
import { fromEvent } from './structured.ts'

const prefix = 'ce_'
const contentType = 'content-type'

type Headers = Readonly<Record<string, string>>

/**
 * A message in the binary mode of CloudEvents for Kafka: attributes as headers with `ce_` before them, the payload alone as
 * the value, so that a reader that knows nothing of CloudEvents finds plain JSON.
 *
 * @source https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 */
export function toBinary(relayed: RelayedMessage): { readonly headers: Headers; readonly value: string } {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(attributesOf(relayed))) headers[headerOf(name)] = value
  return { headers, value: relayed.message.payload }
}

/** The header of an attribute. Made once each: there are few names, and many messages. */
function headerOf(attribute: string): string {
  let name = headerNames.get(attribute)
  if (name === undefined) {
    name = attribute === 'datacontenttype' ? contentType : `${prefix}${attribute}`
    headerNames.set(attribute, name)
  }
  return name
}

const headerNames = new Map<string, string>()

/**
 * The message of headers and value, also of one that others wrote in the structured mode. Never throws: a value that is
 * not text is kept as base64 in the message's header `payload-base64`, and its handler then finds data that it cannot
 * decode.
 */
export function fromBinary(
  headers: Headers,
  value: Uint8Array | string | null,
  topic: string,
  place: ForeignPlace,
): WireMessage {
  return fromPayload(headers, payloadText(value), topic, place)
}

/** The same, of a value that was read as text already. */
export function fromPayload(headers: Headers, payload: PayloadText, topic: string, place: ForeignPlace): WireMessage {
  const event = isStructured(headers) ? fromEvent(payload.text, topic, place) : null
  const { message, ...of } = event ?? fromHeaders(headers, payload, topic, place)
  const own = Object.entries(headers).filter(([name]) => !name.startsWith(prefix) && !isContentType(name))
  return { ...of, message: { ...message, headers: { ...Object.fromEntries(own), ...message.headers } } }
}

function fromHeaders(headers: Headers, payload: PayloadText, topic: string, place: ForeignPlace): WireMessage {
  const attributes = Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, text]) => [name.slice(prefix.length), text]),
  )
  const { message, ...of } = messageOf(attributes, payload.text, topic, place)
  const kept = { ...extensionHeaders(attributes, message.key), ...message.headers, ...lostHeader(payload) }
  return { ...of, message: { ...message, headers: kept } }
}

/** A media type has no case, and may have parameters behind it. What it promises and is not, is read by its headers. */
function isStructured(headers: Headers): boolean {
  return Object.entries(headers).some(
    ([name, value]) => isContentType(name) && value.toLowerCase().startsWith('application/cloudevents'),
  )
}

function isContentType(name: string): boolean {
  return name.toLowerCase() === contentType
}
