import type { StreamName } from './event-store.ts'

/** States of streams kept so that not all of their events need be folded again: a cache, never the truth. */
export interface Snapshots {
  /** The snapshot of a stream that this fold made; null when there is none. */
  find(stream: StreamName, fold: string): Promise<Snapshot | null>
  /** Keeps a snapshot, unless there is a newer one of its fold, in the place of all others of the stream that are older. */
  save(stream: StreamName, snapshot: Snapshot): Promise<void>
  /** Forgets what this fold made of the stream. */
  drop(stream: StreamName, fold: string): Promise<void>
}

export interface Snapshot {
  /** Names the functions that made the state: those of another program have another name. */
  readonly fold: string
  /** Of the stream: the number of the last event in it. */
  readonly version: number
  /** JSON text. */
  readonly state: string
  /** Of all that stands above, and of the last event's id. */
  readonly checksum: string
}
