import type { RedisLayout } from 'estafet/redis'
import { DeadLettered } from '../messages.ts'

/**
 * The streams as operators know them: `events:<type>` with five fields, and `event_dlq` with what a dead letter is.
 */
export const layout: RedisLayout = {
  stream: (topic) => (topic === DeadLettered.topic ? topic : `events:${topic}`),

  encode(message) {
    if (message.topic === DeadLettered.topic) return fieldsOf(message.payload)
    const [aggregate = ''] = message.type.split('.')
    return {
      type: message.type,
      aggregate_id: message.key,
      aggregate_type: aggregate,
      data: message.payload,
      timestamp: message.time,
    }
  },

  decode(fields, topic) {
    if (topic !== DeadLettered.topic) return { type: fields['type'] ?? topic, payload: fields['data'] ?? 'null' }
    return { type: DeadLettered.type, payload: JSON.stringify(fields) }
  },
}

/** Each field of the data as one of the entry's. */
function fieldsOf(payload: string): Readonly<Record<string, string>> {
  const data: unknown = JSON.parse(payload)
  return Object.fromEntries(Object.entries(Object(data)).map(([name, value]) => [name, String(value)]))
}
