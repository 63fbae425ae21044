import { EstafetError, isEstafetError } from '../message/errors.ts'
import { decodeJson, encodeJson } from '../message/json.ts'
import type { Personal } from '../message/personal.ts'
import type { OutgoingEvent } from '../message/stream-event.ts'
import type { EncodedEvent, RecordedEvent } from '../ports/event-store.ts'
import type { SourceEvent, StreamCopy } from './copy.ts'
import { refuseLeaks } from './copy-personal.ts'

/** What a copied event says of the one that it was made of: `position/version/type`, such as `1204/3/user`. */
export const copiedFromHeader = 'estafet-copied-from'

/** The event that a copy was made of: its position in the log of events, and its number in its stream. */
export interface CopiedFrom {
  readonly position: bigint
  readonly streamVersion: number
}

/** What becomes of an event, before it has an id of its own. */
export interface Copied extends Omit<EncodedEvent, 'id'> {
  /** The text that is stored when it is not the payload: that of an event that is handed on as it was, sealed. */
  readonly kept: string | null
  /** What of the payload is to be sealed. */
  readonly personal: Personal | null
}

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
 * its text, so that no number in it changes. Throws what the transformation throws, and MISCONFIGURED where something personal
 * would come to stand in clear.
 *
 * @param event with what is personal in it opened, where there is a vault
 * @param stored its payload as it is stored
 */
export function copiesOf(copy: StreamCopy, event: RecordedEvent, stored: string, hasVault: boolean): readonly Copied[] {
  const { source: _, epoch: __, topic: ___, key: streamId, ...rest } = event
  const data = frozen(decodeJson(event.payload))
  const seen: SourceEvent = { ...rest, streamId, data, context: {} }
  const mark = `${event.position}/${event.streamVersion}/${event.topic}`
  return copy.transform(seen).map((made) => {
    refuseUnfit(made, hasVault)
    const isUntouched = made.data === data
    const payload = isUntouched ? event.payload : encodeJson(made.data)
    const isKept = isUntouched && made.type === event.type && made.personal === undefined
    if (!isKept) refuseLeaks(event, stored, made, payload)
    return {
      ...{ type: made.type, version: made.version, payload },
      ...{ kept: isKept ? stored : null, personal: made.personal ?? null },
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

function refuseUnfit({ type, version, personal }: OutgoingEvent, hasVault: boolean): void {
  const isNamed = typeof type === 'string' && type.length > 0 && type.length <= 200 && type.isWellFormed()
  if (!isNamed || !Number.isInteger(version) || version < 1 || version > 32_767) {
    throw new EstafetError('INVALID_MESSAGE', 'The transformation gave an event without a proper type or version.')
  }
  if (personal === undefined || hasVault) return
  throw new EstafetError(
    'MISCONFIGURED',
    `A copy of type ${type} has personal fields, and there is no vault to seal them with: copy in a program whose store has it.`,
    { details: { type } },
  )
}

function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  Object.values(value).forEach(frozen)
  return Object.freeze(value)
}
