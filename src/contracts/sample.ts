import { decodeJson, encodeJson } from '../message/json.ts'
import type { StoredMessage } from '../message/message.ts'

/**
 * One event of one version, kept beside the contract for good: what a publisher of that version wrote. Today's program must
 * read it, whatever its version is by now.
 */
export interface Sample {
  readonly service: string
  readonly type: string
  readonly version: number
  /** Null for a private event. */
  readonly key: string | null
  readonly data: unknown
}

/** What an event type or a stream event type returned: validated data. */
export interface Example {
  readonly type: string
  readonly version: number
  readonly key?: string
  readonly data: unknown
}

/** An example as it is stored. Throws UNENCODABLE. */
export function sampleOf(service: string, { type, version, key, data }: Example): Sample {
  return { service, type, version, key: key ?? null, data: decodeJson(encodeJson(data)) }
}

/** The message that a sample is, as a log hands it out. */
export function messageOf({ service, type, version, key, data }: Sample, topic: string): StoredMessage {
  return {
    ...{ id: '00000000-0000-7000-8000-000000000000', type, version, topic, key: key ?? '(private)' },
    ...{ source: service, epoch: 'sample', position: 1n, time: '2000-01-01T00:00:00.000Z' },
    ...{ correlationId: '00000000-0000-7000-8000-000000000000', causationId: null, traceparent: null, headers: {} },
    payload: encodeJson(data),
  }
}
