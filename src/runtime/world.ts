import { randomBytes } from 'node:crypto'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'

/** The machine's time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const done = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done, { once: true })
    }),
}

// One call into the system for many ids: each call costs more than the bytes.
const poolSize = 4096
let pool = new Uint8Array(0)
let used = 0

/** Promises that are settled go on before it resolves, however many follow from each other. */
export function macrotask(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

/** The machine's chance. */
export const systemRandom: Random = {
  bytes(count) {
    if (used + count > pool.length) {
      pool = new Uint8Array(randomBytes(Math.max(poolSize, count)))
      used = 0
    }
    used += count
    return pool.subarray(used - count, used)
  },
  fraction: () => Math.random(),
}
