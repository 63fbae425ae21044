import { fingerprint } from '../message/fingerprint.ts'
import type { RecordedEvent, StreamName } from '../ports/event-store.ts'
import type { Snapshot } from '../ports/snapshots.ts'
import { isPlain } from './plain-state.ts'

/** A snapshot of a state after its last event; null for a state that JSON does not give back as it was. */
export function takeSnapshot(stream: StreamName, fold: string, last: RecordedEvent, state: unknown): Snapshot | null {
  if (!isPlain(state)) return null
  const text = JSON.stringify(state)
  const version = last.streamVersion
  return { fold, version, state: text, checksum: checksumOf(stream, fold, version, last.id, text) }
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
