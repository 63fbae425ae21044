import type { Call } from './command.ts'

/** Says how far something has got, on a terminal and only when it takes long. */
export interface Progress {
  at(done: number): void
  /** Takes the bar away. */
  end(): void
}

const quietMs = 2_000
const redrawMs = 100
const cells = 30

/** A bar for something of so many steps, from two seconds on; nothing with --json or where nobody looks. */
export function progress(
  call: Pick<Call, 'terminal' | 'options'>,
  says: string,
  total: number,
  nowMs: () => number = () => performance.now(),
): Progress {
  let due = nowMs() + quietMs
  let isShown = false
  return {
    at(done) {
      const now = nowMs()
      if (now < due || call.options.has('json')) return
      due = now + redrawMs
      isShown = true
      call.terminal.progress(barText(says, done, total))
    },
    end() {
      if (isShown) call.terminal.progress('')
      isShown = false
    },
  }
}

/** The number may grow while it is counted to. */
export function barText(says: string, done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total)
  const full = Math.floor(share * cells)
  return `${says} [${'#'.repeat(full)}${'.'.repeat(cells - full)}] ${done} of ${Math.max(done, total)}`
}
