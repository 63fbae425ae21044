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

const instant = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-](\d{2}):[0-5]\d)$/
const [firstInstant, lastInstant] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')]
/** No database takes hours further from UTC; no place is so far. */
const furthestHours = 15

/** Tells whether a text names an instant that every database has: Date.parse also takes the 31st of February. */
function isInstant(text: string): boolean {
  const [, day = '', hours = '0'] = instant.exec(text) ?? []
  const at = Date.parse(text)
  if (!(at >= firstInstant && at <= lastInstant) || Number(hours) > furthestHours) return false
  const midnight = Date.parse(`${day}T00:00:00Z`)
  return Number.isFinite(midnight) && new Date(midnight).toISOString().startsWith(day)
}

/** Throws MISCONFIGURED for what is neither so many milliseconds nor an instant. */
export function refuseInstant(name: string, until: number | string): void {
  const isTime =
    typeof until === 'number' ? until >= 0 && until <= longestMs : typeof until === 'string' && isInstant(until)
  if (isTime) return
  throw new EstafetError(
    'MISCONFIGURED',
    `The step ${JSON.stringify(name)} sleeps for milliseconds, or until an instant such as 2026-01-31T12:00:00Z.`,
  )
}
