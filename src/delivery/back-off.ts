export interface BackOff {
  readonly firstMs: number
  readonly maxMs: number
}

/**
 * The wait before try `attempt` + 1: doubles from `firstMs` to `maxMs`, of which up to half is jitter, so that processes
 * which failed together do not come back together.
 *
 * `attempt` counts from 1; `fraction` is in [0, 1). The result lies in [wait / 2, wait).
 */
export function backOffMs(backOff: BackOff, attempt: number, fraction: number): number {
  // 2 ** 40 ms is 34 years: beyond it doubling only risks infinity.
  const wait = Math.min(backOff.maxMs, backOff.firstMs * 2 ** Math.min(40, Math.max(0, attempt - 1)))
  return wait / 2 + (wait / 2) * fraction
}
