/** What was seen of a service at a moment. */
export interface Sample {
  readonly atMs: number
  /** Events that took effect in this process since it began. */
  readonly processed: number
  /** Dead letters there were. */
  readonly dead: number
}

export interface Trend {
  readonly processedPerSecond: number
  /** By how many the dead letters grew since the least there was within the window. */
  readonly growth: number
}

const rateWindowMs = 60_000

/** The trend of a service's samples, oldest first. Of what was dead before the first sample it says nothing. */
export function trendOf(samples: readonly Sample[], windowMs: number): Trend {
  const last = samples.at(-1)
  if (last === undefined) return { processedPerSecond: 0, growth: 0 }
  const within = (ms: number): readonly Sample[] => samples.filter(({ atMs }) => atMs >= last.atMs - ms)
  const [first = last] = within(rateWindowMs)
  const seconds = (last.atMs - first.atMs) / 1000
  return {
    processedPerSecond: seconds === 0 ? 0 : (last.processed - first.processed) / seconds,
    growth: last.dead - Math.min(...within(windowMs).map(({ dead }) => dead)),
  }
}

/** Leaves out what no window reaches back to. */
export function recent(samples: readonly Sample[], nowMs: number, windowMs: number): readonly Sample[] {
  return samples.filter(({ atMs }) => atMs >= nowMs - Math.max(windowMs, rateWindowMs))
}
