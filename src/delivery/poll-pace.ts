export interface PollPace {
  /** While something was seen lately, or is in flight. */
  readonly hotMs: number
  /** While every look finds news: long enough for a batch to gather, since each batch costs a commit. */
  readonly busyMs: number
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

/** Tells whether messages come so fast that looking less often costs nobody anything, given how many looks found news. */
export function isBusy(newsInARow: number): boolean {
  return newsInARow >= 8
}
