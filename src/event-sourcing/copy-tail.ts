import { opened } from '../personal/open.ts'
import { sealed } from '../personal/seal.ts'
import type { EncodedEvent, EventStore, RecordedEvent, StreamAppend, StreamName } from '../ports/event-store.ts'
import type { StreamIndex } from '../ports/stream-index.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import type { Vault } from '../ports/vault.ts'
import type { StreamCopy } from './copy.ts'
import { type Copied, type CopiedFrom, copiedFrom, copiesOf, isMarkOf, whyNot } from './copy-event.ts'
import { closing, movedTo } from './copy-moved.ts'

export interface CopyParts<Tx> {
  readonly events: EventStore<Tx>
  readonly index: StreamIndex
  readonly unitOfWork: UnitOfWork<Tx>
  /** Opens what is personal in events, and seals it in their copies. Null: it is handed on sealed, or not at all. */
  readonly vault: Vault | null
  /** A UUID for an event. */
  readonly newId: () => string
}

/** Why a stream is not copied, or not as it should be. Says nothing of what its events hold. */
export interface CopyFault {
  /** The id of the stream that is copied. */
  readonly stream: string
  /** The event of that stream at fault; null for none in particular. */
  readonly streamVersion: number | null
  readonly says: string
}

/** What of a stream is not copied yet, or the next part of it. */
export interface Tail {
  readonly source: StreamName
  readonly target: StreamName
  /** Version of the target when it was looked at. */
  readonly targetVersion: number
  /** The last event of the source that was copied before, and the last one of this part. */
  readonly after: number
  readonly upTo: number
  /** As they will be stored. */
  readonly copies: readonly Omit<EncodedEvent, 'id'>[]
  /** False when there is more to read after this part. */
  readonly isEnd: boolean
  /** True when the source ends with its closing event. */
  readonly isClosed: boolean
}

/** Events of a stream that are copied at once, at most; what becomes of one event is never torn apart. */
export const tailLimit = 500

/**
 * Reads on where the last copy in the target was made. The target itself is the record of how far its copy has got, so there is
 * nothing that a stop could leave behind it.
 *
 * @param source the last event of the stream
 * @param target the last event of its copy; null when there is none
 */
export async function readTail<Tx>(
  parts: CopyParts<Tx>,
  copy: StreamCopy,
  source: RecordedEvent,
  target: RecordedEvent | null,
): Promise<Tail | CopyFault> {
  const [from, to] = namesOf(copy, source.key)
  const fault = (says: string): CopyFault => ({ stream: from.id, streamVersion: null, says })
  const movement = movedTo(source)
  if (movement !== null && (movement.type !== to.type || movement.id !== to.id)) {
    return fault(`it was closed for a stream of ${movement.type} that is not the one it would be copied to`)
  }
  const begun = { source: from, target: to, targetVersion: target?.streamVersion ?? 0, copies: [] }
  // It was closed together with its last copies, whatever has been written to the target since.
  const end = source.streamVersion
  if (movement !== null) return { ...begun, after: end, upTo: end, isEnd: true, isClosed: true }
  const mark = target === null ? null : copiedFrom(target)
  if (target !== null && mark === null) {
    return fault(
      `the stream of ${copy.to} has events of its own, and this one is not closed: find out who writes to it`,
    )
  }
  if (mark !== null && !(await isCopied(parts, from, mark))) {
    return fault(`the stream of ${copy.to} is a copy of another one: \`stream\` must give each stream an id of its own`)
  }
  const after = mark?.streamVersion ?? 0
  return readOn(parts, copy, { ...begun, after, upTo: after, isEnd: false, isClosed: false })
}

/** Tells whether a mark is that of an event of this stream. */
async function isCopied<Tx>({ events }: CopyParts<Tx>, from: StreamName, mark: CopiedFrom): Promise<boolean> {
  const { streamVersion } = mark
  const [event] = await events.read(from, { after: streamVersion - 1, upTo: streamVersion, limit: 1 })
  return event !== undefined && isMarkOf(mark, event)
}

/** Until there is something to write, or the end: events that have no copy move no mark, and would be read again for ever. */
async function readOn<Tx>(parts: CopyParts<Tx>, copy: StreamCopy, begun: Tail): Promise<Tail | CopyFault> {
  const copies: Copied[] = []
  let { upTo, isClosed } = begun
  for (;;) {
    const page = await parts.events.read(begun.source, { after: upTo, upTo: null, limit: tailLimit })
    const clear = await opened(parts.vault, page)
    for (const [at, event] of clear.entries()) {
      const { streamVersion } = event
      const fault = (says: string): CopyFault => ({ stream: begun.source.id, streamVersion, says })
      if (isClosed) return fault('it was written to after it was closed')
      isClosed = movedTo(event) !== null
      if (isClosed) continue
      try {
        copies.push(...copiesOf(copy, event, page[at]?.payload ?? event.payload, parts.vault !== null))
      } catch (error) {
        return fault(whyNot(error))
      }
    }
    upTo = page.at(-1)?.streamVersion ?? upTo
    const isEnd = page.length < tailLimit
    if (isEnd || copies.length > 0) return { ...begun, upTo, copies: await stored(parts, copies), isEnd, isClosed }
  }
}

async function stored<Tx>({ vault }: CopyParts<Tx>, copies: readonly Copied[]): Promise<Tail['copies']> {
  const texts = copies.map(({ kept, personal: _, ...event }) => (kept === null ? event : { ...event, payload: kept }))
  const personal = copies.map((each) => (each.kept === null ? each.personal : null))
  return sealed(vault, texts, personal)
}

/** Writes parts of streams in one transaction; with `closes`, those that end are closed in it, so that nothing slips between. */
export async function writeTails<Tx>(parts: CopyParts<Tx>, tails: readonly Tail[], closes: boolean): Promise<void> {
  const appends = tails.flatMap((tail) => appendsOf(parts, tail, closes))
  if (appends.length === 0) return
  await parts.unitOfWork.run((tx) => parts.events.append(tx, appends))
}

/** Tells whether there is anything to write for a part of a stream. */
export function isNews(tail: Tail, closes: boolean): boolean {
  return tail.copies.length > 0 || (closes && tail.isEnd && !tail.isClosed)
}

/** A stream and its copy. */
export function namesOf({ from, to, stream }: StreamCopy, id: string): readonly [from: StreamName, to: StreamName] {
  return [
    { type: from, id },
    { type: to, id: stream(id) },
  ]
}

function appendsOf<Tx>({ newId }: CopyParts<Tx>, tail: Tail, closes: boolean): readonly StreamAppend[] {
  if (!isNews(tail, closes)) return []
  const { source, target, after, upTo, copies } = tail
  const copying: StreamAppend = {
    ...{ stream: target, expected: tail.targetVersion },
    events: copies.map((each) => ({ id: newId(), ...each })),
    // The same for each try of this part. Without events it only sees that the target is as it was.
    appendId: copies.length === 0 ? null : `copy of ${source.type} ${after + 1}-${upTo}`,
  }
  if (!closes || !tail.isEnd || tail.isClosed) return [copying]
  const last: StreamAppend = {
    ...{ stream: source, expected: upTo, events: [closing(target, newId())] },
    appendId: `moved to ${target.type}`,
  }
  return [copying, last]
}
