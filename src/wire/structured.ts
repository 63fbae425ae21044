import type { RelayedMessage } from '../ports/sink.ts'
import { attributesOf, type ForeignPlace, messageOf, type WireMessage } from './attributes.ts'

const dataMark = ',"data":'

/**
 * A message in the structured JSON mode of CloudEvents: one object, the attributes as text, the payload under `data`.
 *
 * The payload's own text stands in it, as the last member: parsed and written anew, a number beyond a double or the order of
 * fields would not be what was published.
 *
 * @source https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
export function toStructured(relayed: RelayedMessage): string {
  return `${JSON.stringify(attributesOf(relayed)).slice(0, -1)}${dataMark}${relayed.message.payload}}`
}

/**
 * The message of such a text. Never throws: a text that is no CloudEvent is somebody else's message, and its payload the text
 * itself.
 */
export function fromStructured(text: string, topic: string, place: ForeignPlace): WireMessage {
  const parsed = parse(text)
  if (parsed === null || typeof parsed['specversion'] !== 'string') return messageOf({}, text, topic, place)
  const attributes = Object.fromEntries(
    Object.entries(parsed)
      .filter(([name]) => name !== 'data' && name !== 'data_base64')
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
  const wire = messageOf(attributes, dataOf(parsed, text), topic, place)
  return wire.previous === null ? wire : { ...wire, message: { ...wire.message, payload: ownData(text) } }
}

/** The payload's own text. Within a text a quote stands behind a backslash: the mark cannot be part of an attribute. */
function ownData(text: string): string {
  const at = text.indexOf(dataMark)
  return at === -1 ? 'null' : text.slice(at + dataMark.length, text.lastIndexOf('}'))
}

function dataOf(parsed: Readonly<Record<string, unknown>>, text: string): string {
  if (typeof parsed['data_base64'] === 'string') {
    try {
      const bytes = Uint8Array.from(atob(parsed['data_base64']), (character) => character.charCodeAt(0))
      return new TextDecoder().decode(bytes)
    } catch {
      return text
    }
  }
  return JSON.stringify(parsed['data'] ?? null)
}

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : null
  } catch {
    return null
  }
}
