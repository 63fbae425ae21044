/** Lets many loops wait for one another's news, without losing what rings between a look and a wait. */
export interface Bell {
  ring(): void
  /** Grows with each ring: take it before looking, and give it to `wait` after. */
  readonly rung: number
  /** Resolves when it rang after `rung`, or the signal aborts. Never rejects. */
  wait(rung: number, signal: AbortSignal): Promise<void>
}

export function bell(): Bell {
  let rung = 0
  const waiting = new Set<() => void>()
  return {
    get rung() {
      return rung
    },
    ring() {
      rung += 1
      for (const wake of [...waiting]) wake()
    },
    wait(since, signal) {
      if (rung > since || signal.aborted) return Promise.resolve()
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
