import { fingerprint } from '../message/fingerprint.ts'

/** The greatest position there can be: a signed number of 64 bits, as databases keep it. */
const maxPosition = 9_223_372_036_854_775_807n

/**
 * Text that any database takes: without NUL and without halves of characters. What others send may have them, and a message
 * that cannot even be set aside would stop everything behind it.
 */
export function plainText(text: string): string {
  if (!text.includes('\u0000') && text.isWellFormed()) return text
  return text.toWellFormed().replaceAll('\u0000', '\ufffd')
}

/** What our own keys may have. */
const maxName = 512

/**
 * A key or id that an index takes. Of one that is longer, its beginning and a hash of it all: equal ones stay equal, and
 * different ones stay different.
 */
export function plainName(text: string): string {
  return shortened(text, maxName)
}

/** Where a message comes from: its source or epoch, which stand in an index together, of 2,704 bytes in PostgreSQL. */
export function plainOrigin(text: string): string {
  return shortened(text, 200)
}

function shortened(text: string, atMost: number): string {
  const plain = plainText(text)
  return plain.length <= atMost ? plain : `${plain.slice(0, atMost - 20).toWellFormed()}…${fingerprint(plain)}`
}

const instant = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i

/** An instant of ISO 8601, in UTC; null when it is none, or none that the calendars of databases have. */
export function instantOf(text: string | undefined): string | null {
  if (text === undefined || !instant.test(text)) return null
  const at = Date.parse(text)
  if (Number.isNaN(at) || !isDay(text.slice(0, 10))) return null
  // As it is, with its microseconds, where it can be.
  const inUtc = text.endsWith('Z') ? text : new Date(at).toISOString()
  return instant.test(inUtc) ? inUtc : null
}

/** Date.parse takes the 30th of February for the 1st of March; databases refuse it. */
function isDay(day: string): boolean {
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)
}

/** A position that is written as one; null for anything else. */
export function positionOf(text: string | undefined): bigint | null {
  if (text === undefined || !/^\d{1,19}$/.test(text)) return null
  const position = BigInt(text)
  return position <= maxPosition ? position : null
}
