import type { Clock } from '../../ports/clock.ts'

export interface VirtualClock extends Clock {
  /** Moves time to the next sleeper and wakes it. False when nobody sleeps. */
  next(): boolean
}

/** A clock that stands still until it is moved. */
export function virtualClock(startMs = 1_700_000_000_000): VirtualClock {
  let nowMs = startMs
  let order = 0
  const sleepers: { readonly at: number; readonly order: number; readonly wake: () => void }[] = []
  return {
    now: () => nowMs,
    sleep(ms, signal) {
      if (signal?.aborted === true) return Promise.resolve()
      return new Promise((resolve) => {
        const sleeper = {
          at: nowMs + Math.max(0, ms),
          order: order++,
          wake() {
            signal?.removeEventListener('abort', sleeper.wake)
            const at = sleepers.indexOf(sleeper)
            if (at >= 0) sleepers.splice(at, 1)
            resolve()
          },
        }
        sleepers.push(sleeper)
        signal?.addEventListener('abort', sleeper.wake, { once: true })
      })
    },
    next() {
      sleepers.sort((a, b) => a.at - b.at || a.order - b.order)
      const [first] = sleepers
      if (first === undefined) return false
      nowMs = Math.max(nowMs, first.at)
      first.wake()
      return true
    },
  }
}
