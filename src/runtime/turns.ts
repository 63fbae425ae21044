/**
 * Who in a process may work beside whom: batches beside each other and beside one attempt at a parked message; and that
 * attempt alone when its message may be one that ends the process, so that no other is blamed.
 */
export interface Turns {
  batch<Result>(work: () => Promise<Result>): Promise<Result>
  /** One at a time. */
  attempt<Result>(work: () => Promise<Result>): Promise<Result>
  /** Within an attempt: waits until no batch is under way, and keeps them from beginning until the work has ended. */
  alone<Result>(work: () => Promise<Result>): Promise<Result>
}

export function turns(): Turns {
  let lastAttempt: Promise<unknown> = Promise.resolve()
  let quiet: Promise<unknown> | null = null
  const batches = new Set<Promise<unknown>>()
  return {
    async batch(work) {
      while (quiet !== null) await quiet
      const running = work()
      const settled = running.catch(() => {})
      batches.add(settled)
      try {
        return await running
      } finally {
        batches.delete(settled)
      }
    },
    attempt(work) {
      const running = lastAttempt.then(work)
      lastAttempt = running.catch(() => {})
      return running
    },
    async alone(work) {
      const over = Promise.withResolvers<void>()
      quiet = over.promise
      try {
        await Promise.all(batches)
        return await work()
      } finally {
        quiet = null
        over.resolve()
      }
    },
  }
}
