import { encodeJson } from '../message/json.ts'
import type { StandardSchema } from '../message/standard-schema.ts'
import { type StreamEventType, streamEvent } from '../message/stream-event.ts'
import type { EncodedEvent, RecordedEvent, StreamName } from '../ports/event-store.ts'

const streamName: StandardSchema<StreamName, StreamName> = {
  '~standard': {
    version: 1,
    vendor: 'estafet',
    validate: (value) =>
      isStreamName(value) ? { value } : { issues: [{ message: 'must be type and id of a stream' }] },
  },
}

/**
 * The last event of a stream that was copied and closed: its data names the stream in which it goes on. A decider that has no
 * `when(StreamMoved, ...)` cannot load such a stream (UNDECODABLE), and so writes no more to it.
 */
export const StreamMoved: StreamEventType<StreamName> = streamEvent('StreamMoved', { version: 1, schema: streamName })

/** Where an event says that its stream has moved; null for any other event, one of that name with other data among them. */
export function movedTo({
  type,
  version,
  payload,
}: Pick<RecordedEvent, 'type' | 'version' | 'payload'>): StreamName | null {
  if (type !== StreamMoved.type || version !== StreamMoved.version) return null
  const data: unknown = JSON.parse(payload)
  return isStreamName(data) ? data : null
}

/** The event that closes a stream. */
export function closing(to: StreamName, id: string): EncodedEvent {
  const { type, version, data } = StreamMoved(to)
  const context = { correlationId: id, causationId: null, traceparent: null, headers: {} }
  return { id, type, version, ...context, payload: encodeJson(data) }
}

function isStreamName(value: unknown): value is StreamName {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('id' in value)) return false
  return typeof value.type === 'string' && typeof value.id === 'string'
}
