export interface PollPace {
  /** While something was seen lately, or is in flight. */
  readonly hotMs: number
  /** The floor, once nothing was seen for long. */
  readonly idleMs: number
}

/**
 * The wait before the next look, given how many looks in a row found nothing: `hotMs` at first, then doubling every
 * eight looks up to `idleMs`. Correctness rests on this poll; wake-ups only make it shorter.
 */
export function pollMs(pace: PollPace, emptyLooks: number): number {
  return Math.min(pace.idleMs, pace.hotMs * 2 ** Math.min(30, Math.floor(emptyLooks / 8)))
}
