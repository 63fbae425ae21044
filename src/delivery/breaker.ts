/**
 * Tells a dependency that is down from messages that are poison: many different keys fail, one after the other. While it
 * is open, nothing more is parked and nothing dies; what fails is tried in its place until something succeeds again.
 */
export interface Breaker {
  readonly isOpen: boolean
  /** Notes how one message of a key went. */
  note(key: string, hasFailed: boolean): void
}

export interface BreakerOptions {
  /** The last outcomes looked at. (Default: 20.) */
  readonly window: number
  /** It opens when so many different keys failed among them, (default: 5) */
  readonly keys: number
  /** and at least this share of them failed. (Default: 0.5.) */
  readonly share: number
}

export const standardBreaker: BreakerOptions = { window: 20, keys: 5, share: 0.5 }

/** A closed breaker. It closes again with the first success. */
export function breaker(options: BreakerOptions = standardBreaker): Breaker {
  let outcomes: { readonly key: string; readonly hasFailed: boolean }[] = []
  let isOpen = false
  return {
    get isOpen() {
      return isOpen
    },
    note(key, hasFailed) {
      if (isOpen && !hasFailed) {
        isOpen = false
        outcomes = []
        return
      }
      outcomes = [...outcomes, { key, hasFailed }].slice(-options.window)
      const failed = outcomes.filter((outcome) => outcome.hasFailed)
      const keys = new Set(failed.map((outcome) => outcome.key))
      if (keys.size >= options.keys && failed.length >= outcomes.length * options.share) isOpen = true
    },
  }
}
