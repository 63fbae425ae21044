/** How often each of many may do something. */
export interface Limit {
  /** Counts one time. 0 when it may be, else after how many seconds it may be; then it is not counted. */
  take(key: string): number
}

const minuteMs = 60_000
const sweepAbove = 1_000

/** `perMinute` times at once, and after that as many in each minute, evenly. Kept in memory: a restart forgets it. */
export function limit(perMinute: number, nowMs: () => number = () => performance.now()): Limit {
  const eachMs = minuteMs / perMinute
  /** When all that was taken will be free again. */
  const freeAt = new Map<string, number>()
  let sweepAt = sweepAbove
  return {
    take(key) {
      const now = nowMs()
      const next = Math.max(now, freeAt.get(key) ?? now) + eachMs
      const overMs = next - now - minuteMs
      // A fraction of a millisecond is what sums of fractions are off by.
      if (overMs > 0.001) return Math.ceil(overMs / 1_000)
      freeAt.set(key, next)
      if (freeAt.size > sweepAt) {
        for (const [old, at] of freeAt) if (at <= now) freeAt.delete(old)
        // Those that stay are not looked at again before there are as many more.
        sweepAt = Math.max(sweepAbove, 2 * freeAt.size)
      }
      return 0
    },
  }
}
