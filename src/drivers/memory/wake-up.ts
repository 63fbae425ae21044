import type { Clock } from '../../ports/clock.ts'
import type { Announcer, WakeUp } from '../../ports/wake-up.ts'

export interface MemoryBell {
  readonly announcer: Announcer
  wakeUp(): WakeUp
}

/** Announcements within one process. */
export function memoryBell(clock: Clock): MemoryBell {
  const waiting = new Set<() => void>()
  return {
    announcer: {
      announce() {
        for (const wake of [...waiting]) wake()
      },
      close: () => Promise.resolve(),
    },
    wakeUp: () => ({
      async wait(ms, signal) {
        // One controller a wait: a signal made of others would be kept by the platform until it aborts.
        const over = new AbortController()
        const end = (): void => over.abort()
        signal.addEventListener('abort', end, { once: true })
        waiting.add(end)
        if (!signal.aborted) await clock.sleep(ms, over.signal)
        waiting.delete(end)
        signal.removeEventListener('abort', end)
      },
      close: () => Promise.resolve(),
    }),
  }
}
