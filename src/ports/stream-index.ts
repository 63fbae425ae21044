import type { RecordedEvent, StreamName } from './event-store.ts'

/** Which streams there are: what is committed, and nothing that is under way. */
export interface StreamIndex {
  /**
   * The last event of each stream of a type, in an order of the ids that is always the same, at most `limit`: `after` the id with
   * which the page before ended, null for the first. A stream that begins meanwhile may be missed.
   */
  list(type: string, page: { readonly after: string | null; readonly limit: number }): Promise<readonly RecordedEvent[]>

  /** The last event of each stream named, in the order of the names; null for a stream that is not there. */
  last(streams: readonly StreamName[]): Promise<readonly (RecordedEvent | null)[]>

  /** How many streams of a type there are, and how many events in them. */
  count(type: string): Promise<{ readonly streams: number; readonly events: number }>
}
