import { bell } from './bell.ts'

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
  const opened = bell()
  return {
    get closedBecause() {
      return closedBecause
    },
    close(because) {
      closedBecause = because
    },
    open() {
      closedBecause = null
      opened.ring()
    },
    whenOpen: (signal) => (closedBecause === null ? Promise.resolve() : opened.wait(opened.rung, signal)),
  }
}
