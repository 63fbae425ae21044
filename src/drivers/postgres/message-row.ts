import type { StoredMessage } from '../../message/message.ts'

/** A message as the views return it; every column as text, so that a user's type parsers cannot change it. */
export interface MessageRow {
  readonly position: string
  readonly time: string
  readonly id: string
  readonly version: number
  readonly topic: string
  readonly type: string
  readonly key: string
  readonly correlation_id: string
  readonly causation_id: string | null
  readonly traceparent: string | null
  readonly headers: string | null
  readonly payload: string
  readonly epoch: string
}

/** The select list of a MessageRow over a view called `m`. */
export const messageColumns = `m.position::text AS position,
  to_char(m.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS time,
  m.id::text AS id, m.version, m.topic, m.type, m.key, m.correlation_id, m.causation_id, m.traceparent,
  m.headers::text AS headers, m.payload::text AS payload, m.epoch`

export function toMessage(row: MessageRow, source: string): StoredMessage {
  return {
    source,
    epoch: row.epoch,
    position: BigInt(row.position),
    time: row.time,
    id: row.id,
    type: row.type,
    version: row.version,
    topic: row.topic,
    key: row.key,
    correlationId: row.correlation_id,
    causationId: row.causation_id,
    traceparent: row.traceparent,
    headers: row.headers === null ? {} : toHeaders(row.headers),
    payload: row.payload,
  }
}

function toHeaders(text: string): Readonly<Record<string, string>> {
  const parsed: unknown = JSON.parse(text)
  if (typeof parsed !== 'object' || parsed === null) return {}
  return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, String(value)]))
}

/** Headers for a json column; null where there are none, which takes no room in the row. */
export function fromHeaders(headers: Readonly<Record<string, string>>): string | null {
  return Object.keys(headers).length === 0 ? null : JSON.stringify(headers)
}
