import { fingerprint } from '../message/fingerprint.ts'
import { isSealed } from '../message/personal.ts'
import type { RecordedEvent, StreamName } from '../ports/event-store.ts'
import type { Snapshot } from '../ports/snapshots.ts'
import { isPlain } from './plain-state.ts'

/** A state as the text of a snapshot; null for one that JSON does not give back as it was, or that looks sealed. */
export function snapshotText(state: unknown): string | null {
  return isPlain(state) && !isSealed(state) ? JSON.stringify(state) : null
}

/** A snapshot of a stream after its last event. */
export function takeSnapshot(stream: StreamName, fold: string, last: RecordedEvent, state: string): Snapshot {
  const version = last.streamVersion
  return { fold, version, state, checksum: checksumOf(stream, fold, version, last.id, state) }
}

/**
 * Tells whether a snapshot is of this stream and fold, and of the event that stands at its version: one that was flipped, is
 * ahead of its stream, or of another history is not.
 */
export function fitsSnapshot(
  stream: StreamName,
  fold: string,
  snapshot: Snapshot,
  last: RecordedEvent | undefined,
): boolean {
  if (last === undefined || last.streamVersion !== snapshot.version || snapshot.fold !== fold) return false
  return snapshot.checksum === checksumOf(stream, fold, snapshot.version, last.id, snapshot.state)
}

function checksumOf(stream: StreamName, fold: string, version: number, eventId: string, state: string): string {
  return fingerprint(JSON.stringify([stream.type, stream.id, fold, version, eventId, state]))
}
