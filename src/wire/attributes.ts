import type { StoredMessage } from '../message/message.ts'
import type { RelayedMessage } from '../ports/sink.ts'
import { instantOf, plainName, plainOrigin, plainText, positionOf } from './plain-text.ts'

/**
 * The CloudEvents 1.0 context attributes of a message, all as text. `partitionkey`, `traceparent` and `tracestate` are
 * extensions that CloudEvents knows; `eventversion`, `correlationid`, `causationid`, `epoch`, `position`, `previous` and
 * `headers` are ours.
 *
 * @source https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 */
export type Attributes = Readonly<Record<string, string>>

/** Where a message of somebody else stands, which says nothing of position and chain. */
export interface ForeignPlace {
  readonly partition: number
  readonly offset: bigint
  /** The broker's key of the record. */
  readonly key?: string | null
  /** The broker's time of the record; ISO 8601 in UTC. */
  readonly time?: string
}

/** A message as it came from a broker. */
export interface WireMessage {
  readonly message: StoredMessage
  /** Null when it came without a chain: then its place in the broker alone tells it from a duplicate. */
  readonly previous: bigint | null
  /** See Delivery. */
  readonly hasSendersId?: boolean
}

/** The attributes of a message; its payload goes beside them. */
export function attributesOf({ message, previous }: RelayedMessage): Attributes {
  const { tracestate = '', ...others } = message.headers
  const isTraced = message.traceparent !== null && tracestate !== ''
  const headers = isTraced ? others : message.headers
  // One object, field by field: this is done for every message that a relay sends.
  const attributes: Record<string, string> = {
    specversion: '1.0',
    id: message.id,
    source: message.source,
    type: message.type,
    time: message.time,
    datacontenttype: 'application/json',
    subject: message.key,
    partitionkey: message.key,
    eventversion: String(message.version),
    correlationid: message.correlationId,
    epoch: message.epoch,
    position: message.position.toString(),
    previous: previous.toString(),
  }
  if (message.causationId !== null) attributes['causationid'] = message.causationId
  if (message.traceparent !== null) attributes['traceparent'] = message.traceparent
  // Where any reader of CloudEvents looks for it, and not a second time among the headers.
  if (isTraced) attributes['tracestate'] = tracestate
  for (const _ in headers) {
    attributes['headers'] = JSON.stringify(headers)
    break
  }
  return attributes
}

/**
 * A message of attributes and payload. What lacks position, previous or epoch is somebody else's: it gets a place made of
 * topic, partition and offset, which is the same whenever it is read.
 */
export function messageOf(attributes: Attributes, payload: string, topic: string, place: ForeignPlace): WireMessage {
  const own = ownPlace(attributes)
  const id = attributes['id'] ?? `${topic}/${place.partition}/${place.offset}`
  const { causationid: causationId, traceparent, tracestate } = attributes
  return {
    previous: own?.previous ?? null,
    ...(own === null && attributes['id'] !== undefined ? { hasSendersId: true } : {}),
    message: {
      ...{ id: plainName(id), topic, payload },
      source: plainOrigin(attributes['source'] ?? `topic:${topic}`),
      epoch: own?.epoch ?? `${topic}/${place.partition}`,
      position: own?.position ?? place.offset + 1n,
      time: instantOf(attributes['time']) ?? place.time ?? '1970-01-01T00:00:00.000Z',
      type: plainName(attributes['type'] ?? topic),
      version: wholeNumber(attributes['eventversion']) ?? 1,
      key: plainName(attributes['partitionkey'] ?? place.key ?? attributes['subject'] ?? id),
      correlationId: plainText(attributes['correlationid'] ?? id),
      causationId: causationId === undefined ? null : plainText(causationId),
      traceparent: traceparent === undefined ? null : plainText(traceparent),
      headers: {
        ...headersOf(attributes['headers']),
        ...(tracestate === undefined ? {} : { tracestate: plainText(tracestate) }),
      },
    },
  }
}

function ownPlace(attributes: Attributes): { epoch: string; position: bigint; previous: bigint } | null {
  const { epoch } = attributes
  const [position, previous] = [positionOf(attributes['position']), positionOf(attributes['previous'])]
  if (epoch === undefined || position === null || previous === null) return null
  return { epoch: plainOrigin(epoch), position, previous }
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^[1-9]\d{0,4}$/.test(text) ? Number(text) : null
}

function headersOf(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return {}
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return {}
    return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, String(value)]))
  } catch {
    return {}
  }
}
