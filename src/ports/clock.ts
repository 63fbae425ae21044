/** The only time that the pure folders see. */
export interface Clock {
  /** Milliseconds since 1970 UTC. May jump; never used to decide order. */
  now(): number
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
