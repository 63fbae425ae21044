import { placedDifferences } from '../message/difference.ts'
import { opened } from '../personal/open.ts'
import type { RecordedEvent, StreamName } from '../ports/event-store.ts'
import { canonical } from './canonical.ts'
import type { StatePair, StreamCopy } from './copy.ts'
import { type Copied, copiedFrom, copiedFromHeader, copiesOf, isMarkOf, whyNot } from './copy-event.ts'
import { movedTo } from './copy-moved.ts'
import { type CopyParts, namesOf } from './copy-tail.ts'
import { foldEvents } from './fold.ts'

/** Why a copy is not what its stream makes it. Says where, and nothing of what is there. */
export interface CopyDifference {
  /** The id of the stream that was copied. */
  readonly stream: string
  /** The event of the copy at which it is; null for none in particular. */
  readonly streamVersion: number | null
  /** behind: what is there is right, and more is to come. */
  readonly kind: 'behind' | 'different'
  readonly says: string
}

/** What was found of one stream, up to its first difference. */
export interface ComparedStream {
  readonly events: number
  readonly copies: number
  /** Types of the events that have no copy. */
  readonly dropped: readonly string[]
  readonly isClosed: boolean
  readonly difference: CopyDifference | null
}

/**
 * Applies the transformation anew to a stream, up to the event given, and compares each event with the copy that is there, and then
 * the states.
 */
export async function compareStream<Tx>(
  parts: CopyParts<Tx>,
  copy: StreamCopy,
  source: RecordedEvent,
): Promise<ComparedStream> {
  const [from, to] = namesOf(copy, source.key)
  const found = { events: 0, copies: 0, dropped: [] as string[], isClosed: false }
  const ends = (says: string, at: number | null, kind: CopyDifference['kind'] = 'different'): ComparedStream => ({
    ...found,
    difference: { stream: from.id, streamVersion: at, kind, says },
  })
  const actual = eventsOf(parts, to, null)
  const states = copy.states === null ? null : comparison(copy.states)
  for await (const { event, payload } of eventsOf(parts, from, source.streamVersion)) {
    const movement = movedTo(event)
    if (found.isClosed) return ends(`event ${event.streamVersion} was written after the stream was closed`, null)
    if (movement !== null) {
      found.isClosed = true
      if (movement.type === to.type && movement.id === to.id) continue
      return ends(`the stream was closed for one of ${movement.type} that is not its copy`, null)
    }
    found.events += 1
    let wanted: readonly Copied[]
    try {
      wanted = copiesOf(copy, event, payload, parts.vault !== null)
      states?.before(event)
    } catch (error) {
      return ends(`event ${event.streamVersion}: ${whyNot(error)}`, null)
    }
    if (wanted.length === 0) found.dropped.push(event.type)
    for (const expected of wanted) {
      const next = await actual.next()
      if (next.value === undefined) return ends(`the copy ends before event ${event.streamVersion}`, null, 'behind')
      const { event: there } = next.value
      const says = differs(expected, there, event)
      if (says !== null) return ends(says, there.streamVersion)
      found.copies += 1
      try {
        states?.after(there)
      } catch (error) {
        return ends(`its decider cannot take it: ${whyNot(error)}`, there.streamVersion)
      }
    }
  }
  for await (const { event: there } of actual) {
    const mark = copiedFrom(there)
    if (mark !== null) return ends('there is a copy that nothing makes', there.streamVersion)
    if (!found.isClosed) return ends('it was written to before the old stream was closed', there.streamVersion)
  }
  const says = states?.differ() ?? null
  return says === null ? { ...found, difference: null } : ends(says, null)
}

/** The events of a stream, page by page, with what is personal opened, and their payloads as they are stored. */
export async function* eventsOf<Tx>(
  { events, vault }: CopyParts<Tx>,
  stream: StreamName,
  upTo: number | null,
): AsyncGenerator<{ readonly event: RecordedEvent; readonly payload: string }, undefined> {
  for (let after = 0; ; ) {
    const page = await events.read(stream, { after, upTo, limit: pageSize })
    for (const [at, event] of (await opened(vault, page)).entries()) {
      yield { event, payload: page[at]?.payload ?? event.payload }
    }
    if (page.length < pageSize) return undefined
    after = page.at(-1)?.streamVersion ?? after
  }
}

const pageSize = 500

/** How a copy is not as it should be, by the first thing; null when it is. */
function differs(expected: Copied, actual: RecordedEvent, event: RecordedEvent): string | null {
  const mark = copiedFrom(actual)
  const should = `a copy of event ${event.streamVersion} should be there`
  if (mark === null) return `${should}, and an event is that is no copy`
  if (!isMarkOf(mark, event)) return `${should}, and one of event ${mark.streamVersion} is, of this stream or another`
  if (expected.type !== actual.type || expected.version !== actual.version) {
    return `its type should be ${expected.type} ${expected.version}, and is ${actual.type} ${actual.version}`
  }
  if (expected.payload !== actual.payload) return `its data differs${placeOf(expected.payload, actual.payload)}`
  for (const field of ['correlationId', 'causationId', 'traceparent'] as const) {
    if (expected[field] !== actual[field]) return `its ${field} differs`
  }
  const names = Object.keys({ ...expected.headers, ...actual.headers })
  const name = names.find((each) => each !== copiedFromHeader && expected.headers[each] !== actual.headers[each])
  return name === undefined ? null : `its header ${name} differs`
}

/** Where two texts of JSON differ first, by the names of the fields alone. */
function placeOf(expected: string, actual: string): string {
  try {
    const [first] = placedDifferences(JSON.parse(expected), JSON.parse(actual))
    return first === undefined ? ' in its text only' : at(first.path)
  } catch {
    return ', and is no JSON'
  }
}

function at(path: readonly string[]): string {
  return path.length === 0 ? '' : ` at /${path.join('/')}`
}

/** Folds a stream and its copy beside each other. */
function comparison(pair: StatePair): {
  before(event: RecordedEvent): void
  after(event: RecordedEvent): void
  differ(): string | null
} {
  let { initial: old } = pair.before
  let { initial: now } = pair.after
  return {
    before(event) {
      old = foldEvents(pair.before, old, [event])
    },
    after(event) {
      now = foldEvents(pair.after, now, [event])
    },
    differ() {
      const isEqual = pair.equal(old, now)
      if (isEqual ?? canonical({ state: old }) === canonical({ state: now })) return null
      const [first] = isEqual === null ? placedDifferences(old, now) : []
      return `the states that the streams make differ${first === undefined ? '' : at(first.path)}`
    },
  }
}
