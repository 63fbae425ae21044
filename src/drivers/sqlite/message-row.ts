import type { StoredMessage } from '../../message/message.ts'
import { bigintOf, numberOf, type SqliteRow, textOf, textOrNull } from './statements.ts'

/** The select list of a parked message, for `toMessage`. */
export const messageColumns = `source, epoch, CAST(position AS TEXT) AS position, recorded_at, id, type, version, topic,
  key, correlation_id, causation_id, traceparent, headers, payload`

export function toMessage(row: SqliteRow): StoredMessage {
  return {
    source: textOf(row, 'source'),
    epoch: textOf(row, 'epoch'),
    position: bigintOf(row, 'position'),
    time: textOf(row, 'recorded_at'),
    id: textOf(row, 'id'),
    type: textOf(row, 'type'),
    version: numberOf(row, 'version'),
    topic: textOf(row, 'topic'),
    key: textOf(row, 'key'),
    correlationId: textOf(row, 'correlation_id'),
    causationId: textOrNull(row, 'causation_id'),
    traceparent: textOrNull(row, 'traceparent'),
    headers: toHeaders(textOrNull(row, 'headers')),
    payload: textOf(row, 'payload'),
  }
}

function toHeaders(text: string | null): Readonly<Record<string, string>> {
  const parsed: unknown = text === null ? {} : JSON.parse(text)
  if (typeof parsed !== 'object' || parsed === null) return {}
  return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, String(value)]))
}
