import type { RelayedMessage } from '../ports/sink.ts'
import { attributesOf, type ForeignPlace, messageOf, type WireMessage } from './attributes.ts'

const prefix = 'ce_'
const contentType = 'content-type'

/**
 * A message in the binary mode of CloudEvents for Kafka: attributes as headers with `ce_` before them, the payload alone as
 * the value, so that a reader that knows nothing of CloudEvents finds plain JSON.
 *
 * @source https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 */
export function toBinary(relayed: RelayedMessage): {
  readonly headers: Readonly<Record<string, string>>
  readonly value: string
} {
  const { datacontenttype = 'application/json', ...attributes } = attributesOf(relayed)
  const headers = Object.entries(attributes).map(([name, value]) => [`${prefix}${name}`, value])
  return { headers: { ...Object.fromEntries(headers), [contentType]: datacontenttype }, value: relayed.message.payload }
}

/**
 * The message of headers and value. Never throws: a value that is not text is kept as base64 in the message's header
 * `payload-base64`, and its handler then finds data that it cannot decode.
 */
export function fromBinary(
  headers: Readonly<Record<string, string>>,
  value: Uint8Array | string | null,
  topic: string,
  place: ForeignPlace,
): WireMessage {
  const attributes = Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, text]) => [name.slice(prefix.length), text]),
  )
  const own = Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith(prefix) && name !== contentType),
  )
  const { text, lost } = textOf(value)
  const wire = messageOf(attributes, text, topic, place)
  const kept = lost === null ? {} : { 'payload-base64': lost }
  return { ...wire, message: { ...wire.message, headers: { ...own, ...wire.message.headers, ...kept } } }
}

const maxKept = 1_048_576

function textOf(value: Uint8Array | string | null): { readonly text: string; readonly lost: string | null } {
  if (value === null) return { text: 'null', lost: null }
  if (typeof value === 'string') return { text: value, lost: null }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value), lost: null }
  } catch {
    const kept = value.length > maxKept ? null : base64(value)
    return { text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(value), lost: kept }
  }
}

function base64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}
