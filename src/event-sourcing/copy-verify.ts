import type { RecordedEvent } from '../ports/event-store.ts'
import type { StreamCopy } from './copy.ts'
import { type ComparedStream, type CopyDifference, compareStream, eventsOf } from './copy-compare.ts'
import { copiedFrom, copiesOf, whyNot } from './copy-event.ts'
import { movedTo } from './copy-moved.ts'
import type { CopyOptions } from './copy-run.ts'
import { type CopyParts, namesOf } from './copy-tail.ts'

/** What was found of all streams. */
export interface CopyVerdict {
  readonly streams: number
  /** How many of them are closed. */
  readonly closed: number
  readonly events: number
  readonly copies: number
  /** How many events of each type have no copy. */
  readonly dropped: Readonly<Record<string, number>>
  /** Streams whose copies are right so far, and not whole. */
  readonly behind: number
  /** Streams whose copies are wrong. */
  readonly different: number
  /** The first difference of each such stream; of very many the first ones. */
  readonly differences: readonly CopyDifference[]
  /** True when it was stopped before its end, and so says nothing of the rest. */
  readonly isStopped: boolean
}

const pageSize = 200
const mostDifferences = 1_000

/**
 * Reads all streams and their copies, applies the transformation anew, and compares: type, version, data, order, what travels with
 * an event, and the states when the copy names deciders. Also finds copies of streams that are not there. Writes nothing.
 */
export function verifyCopies<Tx>(
  parts: CopyParts<Tx>,
  copy: StreamCopy,
  options: Pick<CopyOptions, 'signal' | 'onProgress'> = {},
): Promise<CopyVerdict> {
  const targets = new Set<string>()
  return throughAll(parts, copy, options, {
    async look(source) {
      targets.add(copy.stream(source.key))
      return compareLastly(parts, copy, source)
    },
    atEnd: (note) => findStrays(parts, copy, targets, note),
  })
}

/** Applies the transformation to all streams and says what would come of it. Reads no copy, and writes nothing. */
export function previewCopies<Tx>(
  parts: CopyParts<Tx>,
  copy: StreamCopy,
  options: Pick<CopyOptions, 'signal' | 'onProgress'> = {},
): Promise<CopyVerdict> {
  const targets = new Set<string>()
  return throughAll(parts, copy, options, {
    async look(source) {
      const [from, to] = namesOf(copy, source.key)
      const found = { events: 0, copies: 0, dropped: [] as string[], isClosed: false }
      const fault = (says: string): ComparedStream => {
        const difference = { stream: from.id, streamVersion: null, kind: 'different', says } as const
        return { ...found, difference }
      }
      if (targets.has(to.id)) return fault('another stream has the same copy: `stream` must give each an id of its own')
      targets.add(to.id)
      for await (const { event, payload } of eventsOf(parts, from, source.streamVersion)) {
        found.isClosed = movedTo(event) !== null
        if (found.isClosed) continue
        found.events += 1
        try {
          const made = copiesOf(copy, event, payload, parts.vault !== null)
          if (made.length === 0) found.dropped.push(event.type)
          found.copies += made.length
        } catch (error) {
          return fault(`event ${event.streamVersion}: ${whyNot(error)}`)
        }
      }
      return { ...found, difference: null }
    },
    atEnd: () => Promise.resolve(),
  })
}

interface Looking {
  look(source: RecordedEvent): Promise<ComparedStream>
  atEnd(note: (difference: CopyDifference) => void): Promise<void>
}

async function throughAll<Tx>(
  { index }: CopyParts<Tx>,
  copy: StreamCopy,
  { signal, onProgress }: Pick<CopyOptions, 'signal' | 'onProgress'>,
  { look, atEnd }: Looking,
): Promise<CopyVerdict> {
  const sums = { streams: 0, closed: 0, events: 0, copies: 0, behind: 0, different: 0 }
  const dropped = new Map<string, number>()
  const differences: CopyDifference[] = []
  const note = (difference: CopyDifference): void => {
    sums[difference.kind] += 1
    if (differences.length < mostDifferences) differences.push(difference)
  }
  const isStopped = (): boolean => signal?.aborted === true
  for (let after: string | null = null; !isStopped(); ) {
    const page: readonly RecordedEvent[] = await index.list(copy.from, { after, limit: pageSize })
    for (const source of page) {
      if (isStopped()) break
      const found = await look(source)
      sums.streams += 1
      sums.closed += found.isClosed ? 1 : 0
      sums.events += found.events
      sums.copies += found.copies
      for (const type of found.dropped) dropped.set(type, (dropped.get(type) ?? 0) + 1)
      if (found.difference !== null) note(found.difference)
      onProgress?.(sums.streams)
    }
    after = page.at(-1)?.key ?? null
    if (page.length < pageSize || after === null) break
  }
  if (!isStopped()) await atEnd(note)
  return { ...sums, dropped: Object.fromEntries(dropped), differences, isStopped: isStopped() }
}

/** Compares, and once more when the stream has grown since it was listed: its copy may have grown with it. */
async function compareLastly<Tx>(
  parts: CopyParts<Tx>,
  copy: StreamCopy,
  listed: RecordedEvent,
): Promise<ComparedStream> {
  let source = listed
  for (let tries = 0; ; tries++) {
    const found = await compareStream(parts, copy, source)
    if (found.difference === null || tries === 5) return found
    const [now = null] = await parts.index.last([namesOf(copy, source.key)[0]])
    if (now === null || now.streamVersion === source.streamVersion) return found
    source = now
  }
}

/** Finds copies of streams that are not there, such as those that another `stream` had named. */
async function findStrays<Tx>(
  { events, index }: CopyParts<Tx>,
  copy: StreamCopy,
  known: ReadonlySet<string>,
  note: (difference: CopyDifference) => void,
): Promise<void> {
  for (let after: string | null = null; ; ) {
    const page: readonly RecordedEvent[] = await index.list(copy.to, { after, limit: pageSize })
    for (const { key } of page.filter((each) => !known.has(each.key))) {
      const [first] = await events.read({ type: copy.to, id: key }, { after: 0, upTo: 1, limit: 1 })
      if (first === undefined || copiedFrom(first) === null) continue
      const says = `the stream of ${copy.to} of this id is a copy, and there is no stream of ${copy.from} that it should be of`
      note({ stream: key, streamVersion: 1, kind: 'different', says })
    }
    after = page.at(-1)?.key ?? null
    if (page.length < pageSize || after === null) break
  }
}
