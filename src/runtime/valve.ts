/** Lets loops be held up from outside: a person paused the subscription, or too much is parked. */
export interface Valve {
  /** Why nothing is handed out now; null while all flows. */
  readonly closedBecause: string | null
  close(because: string): void
  open(): void
  /** Resolves when it is open, or the signal aborts. Never rejects. */
  whenOpen(signal: AbortSignal): Promise<void>
}

/** An open valve. */
export function valve(): Valve {
  let closedBecause: string | null = null
  const waiting = new Set<() => void>()
  return {
    get closedBecause() {
      return closedBecause
    },
    close(because) {
      closedBecause = because
    },
    open() {
      closedBecause = null
      for (const go of [...waiting]) go()
    },
    whenOpen(signal) {
      if (closedBecause === null || signal.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const done = (): void => {
          waiting.delete(done)
          signal.removeEventListener('abort', done)
          resolve()
        }
        waiting.add(done)
        signal.addEventListener('abort', done, { once: true })
      })
    },
  }
}
