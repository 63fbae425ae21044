import type { RelayedMessage } from '../ports/sink.ts'
import { attributesOf, type ForeignPlace, messageOf, type WireMessage } from './attributes.ts'
import { extensionHeaders } from './extension-headers.ts'
import { memberText } from './member-text.ts'
import { bytesOf, lostHeader, type PayloadText, payloadText } from './payload-text.ts'

/**
 * A message in the structured JSON mode of CloudEvents: one object, the attributes as text, the payload under `data`.
 *
 * The payload's own text stands in it: parsed and written anew, a number beyond a double or the order of fields would not
 * be what was published.
 *
 * @source https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
export function toStructured(relayed: RelayedMessage): string {
  return `${JSON.stringify(attributesOf(relayed)).slice(0, -1)},"data":${relayed.message.payload}}`
}

/**
 * The message of such a text. Never throws: a text that is no CloudEvent is somebody else's message, and its payload the text
 * itself.
 */
export function fromStructured(text: string, topic: string, place: ForeignPlace): WireMessage {
  return fromEvent(text, topic, place) ?? messageOf({}, text, topic, place)
}

/** The message of a text that is a CloudEvent, with its data as it stands there; null when it is none. */
export function fromEvent(text: string, topic: string, place: ForeignPlace): WireMessage | null {
  const parsed = parse(text)
  if (parsed === null || typeof parsed['specversion'] !== 'string') return null
  const { data: _, data_base64: encoded, ...others } = parsed
  // An attribute of null counts as one that is not there.
  const attributes = Object.fromEntries(
    Object.entries(others)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
  const payload = dataOf(text, encoded)
  const { message, ...of } = messageOf(attributes, payload.text, topic, place)
  const headers = { ...extensionHeaders(attributes, message.key), ...message.headers, ...lostHeader(payload) }
  return { ...of, message: { ...message, headers } }
}

/** The text of the data: its own, so that it is what was written. No data is JSON's null, and broken base64 the whole text. */
function dataOf(text: string, encoded: unknown): Pick<PayloadText, 'text' | 'lost'> {
  if (typeof encoded !== 'string') return { text: memberText(text, 'data') ?? 'null', lost: null }
  const bytes = bytesOf(encoded)
  return bytes === null ? { text, lost: null } : payloadText(bytes)
}

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : null
  } catch {
    return null
  }
}
