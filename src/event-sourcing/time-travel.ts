import { placedDifferences } from '../message/difference.ts'
import type { RecordedEvent } from '../ports/event-store.ts'
import { canonical } from './canonical.ts'
import type { Decider } from './decider.ts'
import { foldEvents } from './fold.ts'

/** One value that differs between two states. */
export interface Change {
  /** A JSON pointer (RFC 6901), such as `/items/0/price`; empty for the whole. */
  readonly path: string
  /** Left out where there was none. */
  readonly before?: unknown
  readonly after?: unknown
}

/** An event that changed something, and what. */
export interface Blame {
  readonly streamVersion: number
  readonly id: string
  readonly type: string
  readonly time: string
  readonly correlationId: string
  readonly change: Change
}

/** Up to where a stream is looked at: a version, or a time (ISO 8601, by the log's clock). */
export type Until = { readonly version: number } | { readonly time: string }

/** The events of a stream up to a version or a time, that one included. */
export function eventsUntil(events: readonly RecordedEvent[], until: Until): readonly RecordedEvent[] {
  if ('version' in until) return events.filter(({ streamVersion }) => streamVersion <= until.version)
  const limit = Date.parse(until.time)
  // A transaction's events may be noted out of the order of their times: those of the stream stay in theirs.
  const last = events.findLast(({ time }) => Date.parse(time) <= limit)
  return last === undefined ? [] : events.filter(({ streamVersion }) => streamVersion <= last.streamVersion)
}

/** The state that events make. Throws UNDECODABLE for one that the decider does not know. */
export function stateOf<State, Command>(of: Decider<State, Command>, events: readonly RecordedEvent[]): State {
  return foldEvents(of, of.initial, events)
}

/** What differs between two states, in the order of its paths; values in lists are compared by their place. */
export function differences(before: unknown, after: unknown): readonly Change[] {
  return placedDifferences(before, after).map(({ path, before: old, after: now }) =>
    changeOf(path.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''), old, now),
  )
}

/**
 * The event that last changed a value, by its JSON pointer; null when no event did. A change of anything within counts, and so
 * does one of what it stands in.
 */
export function blame<State, Command>(
  of: Decider<State, Command>,
  events: readonly RecordedEvent[],
  path: string,
): Blame | null {
  let state: State = of.initial
  let found: Blame | null = null
  for (const event of events) {
    const next = foldEvents(of, state, [event])
    const [before, after] = [valueAt(state, path), valueAt(next, path)]
    if (canonical({ value: before }) !== canonical({ value: after })) {
      const { streamVersion, id, type, time, correlationId } = event
      found = { streamVersion, id, type, time, correlationId, change: changeOf(path, before, after) }
    }
    state = next
  }
  return found
}

/** The value at a JSON pointer; undefined when there is none. */
export function valueAt(value: unknown, path: string): unknown {
  if (path === '') return value
  let current = value
  for (const name of path.slice(1).split('/')) {
    const key = name.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined
    current = Object.getOwnPropertyDescriptor(current, key)?.value
  }
  return current
}

function changeOf(path: string, before: unknown, after: unknown): Change {
  return { path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
}
