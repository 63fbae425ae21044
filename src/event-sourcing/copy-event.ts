import { EstafetError, isEstafetError } from '../message/errors.ts'
import { decodeJson, encodeJson } from '../message/json.ts'
import type { OutgoingEvent } from '../message/stream-event.ts'
import type { EncodedEvent, RecordedEvent } from '../ports/event-store.ts'
import type { SourceEvent, StreamCopy } from './copy.ts'

/** What a copied event says of the one that it was made of: `position/version/type`, such as `1204/3/user`. */
export const copiedFromHeader = 'estafet-copied-from'

/** The event that a copy was made of: its position in the log of events, and its number in its stream. */
export interface CopiedFrom {
  readonly position: bigint
  readonly streamVersion: number
}

/** A copy before it has an id of its own. */
export type Copied = Omit<EncodedEvent, 'id'>

/** What an event was made of; null for one that is no copy. */
export function copiedFrom({ headers }: Pick<RecordedEvent, 'headers'>): CopiedFrom | null {
  const [, position, version] = /^(\d{1,19})\/(\d{1,10})\//.exec(headers[copiedFromHeader] ?? '') ?? []
  return position === undefined ? null : { position: BigInt(position), streamVersion: Number(version) }
}

/** Tells whether a mark is that of this event. */
export function isMarkOf({ position, streamVersion }: CopiedFrom, event: RecordedEvent): boolean {
  return position === event.position && streamVersion === event.streamVersion
}

/**
 * The copies of one event, in order, with its correlation, causation, trace and headers. Data that is handed on untouched keeps
 * its text, so that no number in it changes. Throws what the transformation throws.
 */
export function copiesOf(copy: StreamCopy, event: RecordedEvent): readonly Copied[] {
  const { source: _, epoch: __, topic: ___, key: streamId, ...rest } = event
  const data = frozen(decodeJson(event.payload))
  const seen: SourceEvent = { ...rest, streamId, data, context: {} }
  const mark = `${event.position}/${event.streamVersion}/${event.topic}`
  return copy.transform(seen).map((made) => {
    refuseUnfit(made)
    return {
      ...{ type: made.type, version: made.version },
      payload: made.data === data ? event.payload : encodeJson(made.data),
      ...{ correlationId: event.correlationId, causationId: event.causationId, traceparent: event.traceparent },
      headers: { ...event.headers, [copiedFromHeader]: mark },
    }
  })
}

/** Why an event cannot be copied, without anything of its content: an error that is not ours may quote it. */
export function whyNot(error: unknown): string {
  if (isEstafetError(error)) return `${error.code}: ${error.message}`
  return `the transformation threw ${error instanceof Error ? error.name : typeof error}`
}

function refuseUnfit({ type, version }: OutgoingEvent): void {
  const isNamed = typeof type === 'string' && type.length > 0 && type.length <= 200 && type.isWellFormed()
  if (isNamed && Number.isInteger(version) && version >= 1 && version <= 32_767) return
  throw new EstafetError('INVALID_MESSAGE', 'The transformation gave an event without a proper type or version.')
}

function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  Object.values(value).forEach(frozen)
  return Object.freeze(value)
}
