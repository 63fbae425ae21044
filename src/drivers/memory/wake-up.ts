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
        const woken = Promise.withResolvers<void>()
        const enough = new AbortController()
        waiting.add(woken.resolve)
        await Promise.race([woken.promise, clock.sleep(ms, AbortSignal.any([signal, enough.signal]))])
        waiting.delete(woken.resolve)
        enough.abort()
      },
      close: () => Promise.resolve(),
    }),
  }
}
