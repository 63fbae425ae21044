import type { Clock } from '../ports/clock.ts'

export interface RateLimit {
  /** For long. */
  readonly perSecond: number
  /** At once. */
  readonly burst: number
}

/** Tells for each name whether it may ask once more now. */
export function rateLimiter(limit: RateLimit, clock: Clock): (name: string) => boolean {
  const buckets = new Map<string, { left: number; at: number }>()
  return (name) => {
    const now = clock.now()
    const bucket = buckets.get(name) ?? { left: limit.burst, at: now }
    // A clock that is set back gives nothing, and takes nothing either.
    const earned = (Math.max(0, now - bucket.at) / 1000) * limit.perSecond
    const left = Math.min(limit.burst, bucket.left + earned)
    const isAllowed = left >= 1
    buckets.set(name, { left: isAllowed ? left - 1 : left, at: now })
    return isAllowed
  }
}
