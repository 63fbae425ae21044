import type { Personal } from './personal.ts'

/**
 * What an event factory returns: validated data on its way to `publish`. It has no id and no position yet.
 */
export interface OutgoingMessage {
  readonly type: string
  readonly version: number
  readonly topic: string
  /** Messages of one key take effect in the order their transactions committed. */
  readonly key: string
  readonly data: unknown
  readonly context: MessageContext
  /** What of the data is about whom; left out for nothing. */
  readonly personal?: Personal
}

/** Where a message comes from; travels with it and with everything it causes. */
export interface MessageContext {
  /** The id shared by all that follows from one request. Left out: the message's own id. */
  readonly correlationId?: string | undefined
  /** The id of the message whose handling published this one. */
  readonly causationId?: string | undefined
  /** W3C trace context of the publisher. */
  readonly traceparent?: string | undefined
  /** Names in lower case; values are text. `tracestate` is that of the W3C, and goes where the traceparent goes. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** A message encoded for a log: what is stored, before it has a position. */
export interface EncodedMessage {
  /** UUID version 7, given at publish. */
  readonly id: string
  readonly type: string
  readonly version: number
  readonly topic: string
  readonly key: string
  readonly correlationId: string
  readonly causationId: string | null
  readonly traceparent: string | null
  readonly headers: Readonly<Record<string, string>>
  /** JSON text. */
  readonly payload: string
}

/** A message in a log: its place is `(source, epoch, position)` and never changes. */
export interface StoredMessage extends EncodedMessage {
  /** The service whose log holds it. */
  readonly source: string
  readonly epoch: string
  readonly position: bigint
  /** When the log took it, by the clock of its database; ISO 8601 in UTC. */
  readonly time: string
}

/** A stored message as a feed hands it out. */
export interface Delivery {
  readonly message: StoredMessage
  /** Where the feed goes on after this message: a position of the log, or an offset of the broker. */
  readonly cursor: bigint
  /**
   * Position of the message before it in the same source, epoch, topic and partition; 0 for the first. Null where the
   * feed reads the log itself and the prefix protocol takes the place of the chain.
   */
  readonly previous: bigint | null
  /**
   * True for a message of others, without a chain, whose sender gave it an id: sent again, it has that id at another place.
   * (Default: false.)
   */
  readonly hasSendersId?: boolean
}

/** What a handler receives: the message with its data decoded and validated. */
export interface ReceivedMessage<Data = unknown> extends Omit<StoredMessage, 'payload'> {
  readonly data: Data
}

/** A message with data in the place of its payload. Field by field: to copy what is left of it costs more than to decode it. */
export function withData<Data>(message: StoredMessage, data: Data): ReceivedMessage<Data> {
  return {
    source: message.source,
    epoch: message.epoch,
    position: message.position,
    time: message.time,
    id: message.id,
    type: message.type,
    version: message.version,
    topic: message.topic,
    key: message.key,
    correlationId: message.correlationId,
    causationId: message.causationId,
    traceparent: message.traceparent,
    headers: message.headers,
    data,
  }
}
