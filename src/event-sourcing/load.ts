import { openedFor } from '../personal/open.ts'
import type { EventStore, RecordedEvent, StreamName } from '../ports/event-store.ts'
import type { Logger } from '../ports/logger.ts'
import type { Random } from '../ports/random.ts'
import type { Snapshot, Snapshots } from '../ports/snapshots.ts'
import type { Vault } from '../ports/vault.ts'
import { canonical } from './canonical.ts'
import type { Decider } from './decider.ts'
import { foldEvents } from './fold.ts'
import { openedState, sealedState, statePlace } from './sealed-state.ts'
import { fitsSnapshot, snapshotText, takeSnapshot } from './snapshot.ts'

export interface LoadParts<Tx> {
  readonly events: EventStore<Tx>
  /** Null: every event is folded each time. */
  readonly snapshots: Snapshots | null
  /** Opens what is personal in events and snapshots. Null: it stays sealed, and such an event is UNDECODABLE. */
  readonly vault: Vault | null
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
  /** Of whom something personal is in it: a snapshot of it is sealed for them. */
  readonly subjects: ReadonlySet<string>
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
  const pages = (after: number) => readPages(parts, stream, after, tx)
  const snapshot = of.snapshotEvery === 0 ? null : await found(parts, stream, of.fold)
  if (snapshot === null) return foldAll(of, pages(0), null)
  // With the event that it ends with, which tells whether it is of this history.
  const all = await collect(pages(snapshot.version - 1))
  const [last, ...rest] = all.events
  if (!fitsSnapshot(stream, of.fold, snapshot, last)) {
    parts.logger.warn('a snapshot does not fit its stream and is ignored', { stream_type: of.type })
    return foldAll(of, pages(0), null)
  }
  const begun = await openedState(parts.vault, statePlace(stream, of.fold), snapshot.state)
  // Somebody in it was erased: the events say what is left.
  if (begun === null) return foldAll(of, pages(0), null)
  const from: State = JSON.parse(begun.text)
  const end = all.events.at(-1)
  const loaded = {
    ...{ state: foldEvents(of, from, rest), version: end?.streamVersion ?? 0, last: end ?? null },
    ...{ snapshotVersion: snapshot.version, subjects: new Set([...begun.subjects, ...all.subjects]) },
  }
  if (parts.random.fraction() >= parts.verifyShare) return loaded
  const full = await foldAll(of, pages(0), loaded.version)
  if (canonical(full.state) === canonical(loaded.state)) return loaded
  parts.logger.error('a snapshot was wrong and is dropped; what evolve calls may have changed: raise its revision', {
    ...{ stream_type: of.type, version: snapshot.version },
  })
  await parts.snapshots?.drop(stream, of.fold)
  return full
}

/** Keeps a snapshot when enough happened since the last one. Best effort: without it there is only more to fold. */
export async function keepSnapshot<Tx, State, Command>(
  parts: LoadParts<Tx>,
  of: Decider<State, Command>,
  id: string,
  { state, version, last, snapshotVersion, subjects }: Loaded<State>,
): Promise<void> {
  if (of.snapshotEvery === 0 || last === null || version - snapshotVersion < of.snapshotEvery) return
  const stream: StreamName = { type: of.type, id }
  const text = snapshotText(state)
  if (text === null) {
    parts.logger.warn('a state is not plain JSON, so it gets no snapshot', { stream_type: of.type })
    return
  }
  try {
    const stored = await sealedState(parts.vault, statePlace(stream, of.fold), text, subjects)
    if (stored !== null) await parts.snapshots?.save(stream, takeSnapshot(stream, of.fold, last, stored))
  } catch {
    parts.logger.warn('a snapshot could not be kept', { stream_type: of.type, version })
  }
}

async function found<Tx>(parts: LoadParts<Tx>, stream: StreamName, fold: string): Promise<Snapshot | null> {
  try {
    return (await parts.snapshots?.find(stream, fold)) ?? null
  } catch {
    // The events are still there.
    return null
  }
}

/** Events with what is personal in them opened, and of whom that is. */
interface Readable {
  readonly events: readonly RecordedEvent[]
  readonly subjects: ReadonlySet<string>
}

async function* readPages<Tx>(
  { events, vault }: LoadParts<Tx>,
  stream: StreamName,
  from: number,
  tx: Tx | null,
): AsyncGenerator<Readable> {
  let after = from
  for (;;) {
    const range = { after, upTo: null, limit: pageSize }
    const page = tx === null ? await events.read(stream, range) : await events.readIn(tx, stream, range)
    const { messages, subjects } = await openedFor(vault, page)
    yield { events: messages, subjects }
    if (page.length < pageSize) return
    after = page.at(-1)?.streamVersion ?? after
  }
}

async function collect(pages: AsyncIterable<Readable>): Promise<Readable> {
  const all: RecordedEvent[] = []
  const about = new Set<string>()
  for await (const { events, subjects } of pages) {
    all.push(...events)
    for (const subject of subjects) about.add(subject)
  }
  return { events: all, subjects: about }
}

/** Folds all events, up to a version: what came since does not belong to what it is compared with. */
async function foldAll<State, Command>(
  of: Decider<State, Command>,
  pages: AsyncIterable<Readable>,
  upTo: number | null,
): Promise<Loaded<State>> {
  let { initial: state } = of
  let last: RecordedEvent | null = null
  const about = new Set<string>()
  for await (const { events, subjects } of pages) {
    const wanted = events.filter(({ streamVersion }) => upTo === null || streamVersion <= upTo)
    state = foldEvents(of, state, wanted)
    last = wanted.at(-1) ?? last
    for (const subject of subjects) about.add(subject)
  }
  return { state, version: last?.streamVersion ?? 0, last, snapshotVersion: 0, subjects: about }
}
