import type { AnyDecider } from '../event-sourcing/decider.ts'
import { foldEvents } from '../event-sourcing/fold.ts'
import { EstafetError } from '../message/errors.ts'
import { withoutSealed } from '../message/personal.ts'
import type { EventStore, RecordedEvent, StreamName } from '../ports/event-store.ts'
import { Refusal } from './refusal.ts'

/** The streams that an ops API shows. */
export interface ShownStreams {
  readonly read: EventStore<never>['read']
  readonly deciders: ReadonlyMap<string, AnyDecider>
  readonly mostEvents: number
}

/** A stream whose past is looked at. */
export interface Past {
  readonly streams: ShownStreams
  readonly stream: StreamName
  readonly of: AnyDecider
  readonly signal: AbortSignal
}

/** A state on the way through a stream. */
export interface Reached {
  readonly state: unknown
  /** 0 before the first event. */
  readonly version: number
  /** Of the last event. */
  readonly time: string | null
}

/** Events read at once: a stream of any length takes bounded memory, and the service goes on in between. */
const pageSize = 500

export function beginning({ of }: Past): Reached {
  return { state: of.initial, version: 0, time: null }
}

/**
 * The state at a version, from one before it; at the end when the stream ends before, or for null. Throws UNSUPPORTED when
 * that takes more events than one answer may, and UNDECODABLE for an event that the decider does not know.
 */
export async function reach(past: Past, from: Reached, upTo: number | null): Promise<Reached> {
  let reached = from
  for await (const page of pagesOf(past, from.version, upTo)) {
    const last = page.at(-1)
    if (last === undefined) break
    reached = {
      state: foldEvents(past.of, reached.state, page),
      version: last.streamVersion,
      time: last.time,
    }
  }
  return reached
}

/** The version of a stream at its end, or at one before it. */
export async function endOf(past: Past, upTo: number | null): Promise<number> {
  let end = 0
  for await (const page of pagesOf(past, 0, upTo)) end = page.at(-1)?.streamVersion ?? end
  return end
}

/** The version of a stream at a time: that of the last event noted until then, since a stream is cut in its own order. */
export async function versionAt(past: Past, time: string): Promise<number> {
  const limit = Date.parse(time)
  let version = 0
  for await (const page of pagesOf(past, 0, null)) {
    version = page.findLast((event) => Date.parse(event.time) <= limit)?.streamVersion ?? version
  }
  return version
}

/** The events after a version, page by page. */
export async function* pagesOf(
  { streams, stream, signal }: Past,
  from: number,
  upTo: number | null,
): AsyncGenerator<readonly RecordedEvent[]> {
  for (let after = from; ; ) {
    // Nobody hears the answer any more: no failure, and nothing to be logged as one.
    if (signal.aborted) throw new Refusal('INVALID_REQUEST', 'The request was given up.')
    const page = await streams.read(stream, { after, upTo, limit: pageSize })
    after = page.at(-1)?.streamVersion ?? after
    if (after > streams.mostEvents) throw tooMany(stream, streams.mostEvents)
    // People read without keys: what is sealed counts as erased.
    yield page.map((event) => withoutSealed(event))
    if (page.length < pageSize) return
  }
}

function tooMany({ type }: StreamName, most: number): EstafetError {
  return new EstafetError(
    'UNSUPPORTED',
    `This stream of ${type} is folded up to version ${most} and no further for one answer: ask for a version until there.`,
    { details: { type, most } },
  )
}
