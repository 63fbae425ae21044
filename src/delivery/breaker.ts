import type { Clock } from '../ports/clock.ts'

/**
 * Tells a dependency that is down from messages that are poison: many different keys fail, and hardly any succeeds.
 *
 * closed: all is well. open: hand out nothing more for a while. half-open: go on and see; a success closes it, as many
 * failures open it again, for longer. While it is not closed no message dies, and no failure counts.
 */
export interface Breaker {
  readonly state: 'closed' | 'open' | 'half-open'
  /** Notes how one message of a key went. Not for what a rule gives up at once: that is a verdict about the message. */
  note(key: string, hasFailed: boolean): void
}

export interface BreakerOptions {
  /** The last outcomes looked at. (Default: 20.) */
  readonly window: number
  /** It opens when so many different keys failed among them, (default: 5) */
  readonly keys: number
  /** and at least this share of them failed. (Default: 0.5.) */
  readonly share: number
  /** For how long it stays open the first time; twice as long each time, up to `maxPauseMs`. (Default: 1 s, 30 s.) */
  readonly pauseMs: number
  readonly maxPauseMs: number
}

export const standardBreaker: BreakerOptions = { window: 20, keys: 5, share: 0.5, pauseMs: 1_000, maxPauseMs: 30_000 }

/** A closed breaker. */
export function breaker(clock: Clock, options: BreakerOptions = standardBreaker): Breaker {
  let outcomes: { readonly key: string; readonly hasFailed: boolean }[] = []
  let openUntil: number | null = null
  let pauseMs = options.pauseMs
  const state = (): Breaker['state'] => {
    if (openUntil === null) return 'closed'
    return clock.now() < openUntil ? 'open' : 'half-open'
  }
  return {
    get state() {
      return state()
    },
    note(key, hasFailed) {
      if (!hasFailed && openUntil !== null) {
        openUntil = null
        pauseMs = options.pauseMs
        outcomes = []
        return
      }
      if (state() === 'open') return
      outcomes = [...outcomes, { key, hasFailed }].slice(-options.window)
      const failed = outcomes.filter((outcome) => outcome.hasFailed)
      const keys = new Set(failed.map((outcome) => outcome.key))
      if (keys.size < options.keys || failed.length < outcomes.length * options.share) return
      openUntil = clock.now() + pauseMs
      pauseMs = Math.min(options.maxPauseMs, pauseMs * 2)
      outcomes = []
    },
  }
}
