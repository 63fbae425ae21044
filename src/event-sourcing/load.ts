import type { EventStore, RecordedEvent, StreamName } from '../ports/event-store.ts'
import type { Logger } from '../ports/logger.ts'
import type { Random } from '../ports/random.ts'
import type { Snapshots } from '../ports/snapshots.ts'
import { canonical } from './canonical.ts'
import type { Decider } from './decider.ts'
import { foldEvents } from './fold.ts'
import { fitsSnapshot, takeSnapshot } from './snapshot.ts'

export interface LoadParts<Tx> {
  readonly events: EventStore<Tx>
  /** Null: every event is folded each time. */
  readonly snapshots: Snapshots | null
  readonly random: Random
  readonly logger: Logger
  /** The share of loads with a snapshot that fold all events as well, and compare. */
  readonly verifyShare: number
}

/** A thing as its events make it. */
export interface Loaded<State> {
  readonly state: State
  /** Of its stream; 0 when there is none. */
  readonly version: number
  /** Its last event, when one was read. */
  readonly last: RecordedEvent | null
  /** Of the snapshot that it began with; 0 for none. */
  readonly snapshotVersion: number
}

/** Events read at once: a stream of any length takes bounded memory. */
const pageSize = 1_000

/**
 * The state of a stream, from its snapshot and the events after it, or from all of them. A snapshot that does not fit is
 * ignored, and one that is found to be wrong is dropped and reported: the events are the truth.
 *
 * Throws UNDECODABLE for an event that the decider does not know.
 */
export async function load<Tx, State, Command>(
  parts: LoadParts<Tx>,
  of: Decider<State, Command>,
  id: string,
  tx: Tx | null = null,
): Promise<Loaded<State>> {
  const stream: StreamName = { type: of.type, id }
  const pages = (after: number) => readPages(parts.events, stream, after, tx)
  const snapshot = of.snapshotEvery === 0 ? null : await found(parts, stream, of.fold)
  if (snapshot !== null) {
    // With the event that it ends with, which tells whether it is of this history.
    const all = await collect(pages(snapshot.version - 1))
    const [last, ...rest] = all
    if (fitsSnapshot(stream, of.fold, snapshot, last)) {
      const begun: State = JSON.parse(snapshot.state)
      const state = foldEvents(of, begun, rest)
      const loaded = { state, version: all.at(-1)?.streamVersion ?? 0, last: all.at(-1) ?? null }
      if (parts.random.fraction() >= parts.verifyShare) return { ...loaded, snapshotVersion: snapshot.version }
      const full = await foldAll(of, pages(0), loaded.version)
      if (canonical(full.state) === canonical(state)) return { ...loaded, snapshotVersion: snapshot.version }
      parts.logger.error(
        'a snapshot was wrong and is dropped; what evolve calls may have changed: raise its revision',
        {
          stream_type: of.type,
          version: snapshot.version,
        },
      )
      await parts.snapshots?.drop(stream, of.fold)
      return full
    }
    parts.logger.warn('a snapshot does not fit its stream and is ignored', { stream_type: of.type })
  }
  return foldAll(of, pages(0), null)
}

/** Keeps a snapshot when enough happened since the last one. Best effort: without it there is only more to fold. */
export async function keepSnapshot<Tx, State, Command>(
  parts: LoadParts<Tx>,
  of: Decider<State, Command>,
  id: string,
  { state, version, last, snapshotVersion }: Loaded<State>,
): Promise<void> {
  if (of.snapshotEvery === 0 || last === null || version - snapshotVersion < of.snapshotEvery) return
  const snapshot = takeSnapshot({ type: of.type, id }, of.fold, last, state)
  try {
    if (snapshot !== null) await parts.snapshots?.save({ type: of.type, id }, snapshot)
    else parts.logger.warn('a state is not plain JSON, so it gets no snapshot', { stream_type: of.type })
  } catch {
    parts.logger.warn('a snapshot could not be kept', { stream_type: of.type, version })
  }
}

async function found<Tx>(parts: LoadParts<Tx>, stream: StreamName, fold: string) {
  try {
    return (await parts.snapshots?.find(stream, fold)) ?? null
  } catch {
    // The events are still there.
    return null
  }
}

async function* readPages<Tx>(
  events: EventStore<Tx>,
  stream: StreamName,
  from: number,
  tx: Tx | null,
): AsyncGenerator<readonly RecordedEvent[]> {
  let after = from
  for (;;) {
    const range = { after, upTo: null, limit: pageSize }
    const page = tx === null ? await events.read(stream, range) : await events.readIn(tx, stream, range)
    yield page
    if (page.length < pageSize) return
    after = page.at(-1)?.streamVersion ?? after
  }
}

async function collect(pages: AsyncIterable<readonly RecordedEvent[]>): Promise<readonly RecordedEvent[]> {
  const all: RecordedEvent[] = []
  for await (const page of pages) all.push(...page)
  return all
}

/** Folds all events, up to a version: what came since does not belong to what it is compared with. */
async function foldAll<State, Command>(
  of: Decider<State, Command>,
  pages: AsyncIterable<readonly RecordedEvent[]>,
  upTo: number | null,
): Promise<Loaded<State>> {
  let { initial: state } = of
  let last: RecordedEvent | null = null
  for await (const page of pages) {
    const wanted = page.filter(({ streamVersion }) => upTo === null || streamVersion <= upTo)
    state = foldEvents(of, state, wanted)
    last = wanted.at(-1) ?? last
  }
  return { state, version: last?.streamVersion ?? 0, last, snapshotVersion: 0 }
}
