/**
 * Tells a reader that there may be something new. Only a hint: readers poll as well, and nothing depends on it.
 */
export interface WakeUp {
  /** Resolves when told, after `ms` at the latest, or at once when the signal aborts. Never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void>
  /** Stops listening and frees its connection. May be repeated. */
  close(): Promise<void>
}

/** Tells readers in other processes. */
export interface Announcer {
  /**
   * Says that something was published. Returns at once; many calls within a few milliseconds make one announcement,
   * sent outside every transaction of the user.
   */
  announce(): void
  /** Sends what is pending and frees its connection. May be repeated. */
  close(): Promise<void>
}
