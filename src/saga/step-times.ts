import { EstafetError } from '../message/errors.ts'

/** A hundred years: what is longer is a mistake. */
const longestMs = 100 * 366 * 86_400_000

/** Throws MISCONFIGURED for a time that no wait can have: each must end. */
export function refuseTimeout(name: string, timeoutMs: number): void {
  if (typeof timeoutMs === 'number' && timeoutMs >= 1 && timeoutMs <= longestMs) return
  throw new EstafetError(
    'MISCONFIGURED',
    `The step ${JSON.stringify(name)} needs a timeoutMs from 1 to ${longestMs}, not ${timeoutMs}.`,
  )
}

const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/

/** Throws MISCONFIGURED for what is neither so many milliseconds nor an instant. */
export function refuseInstant(name: string, until: number | string): void {
  const isTime =
    typeof until === 'number'
      ? until >= 0 && until <= longestMs
      : typeof until === 'string' && instant.test(until) && Number.isFinite(Date.parse(until))
  if (isTime) return
  throw new EstafetError(
    'MISCONFIGURED',
    `The step ${JSON.stringify(name)} sleeps for milliseconds, or until an instant such as 2026-01-31T12:00:00Z.`,
  )
}
