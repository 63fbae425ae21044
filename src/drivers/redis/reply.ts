import { EstafetError } from '../../message/errors.ts'

/** A reply that is a list. Throws UNAVAILABLE for anything else: whoever answered is no Redis as we know it. */
export function list(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw unexpected()
  return reply
}

/** A reply that is text, or null where it is nil. */
export function textOrNull(reply: unknown): string | null {
  if (reply === null || reply === undefined) return null
  if (typeof reply !== 'string') throw unexpected()
  return reply
}

export function text(reply: unknown): string {
  const value = textOrNull(reply)
  if (value === null) throw unexpected()
  return value
}

/** An offset as a hash keeps it; nil is 0. */
export function offset(reply: unknown): bigint {
  const value = textOrNull(reply) ?? '0'
  if (!/^\d{1,19}$/.test(value)) throw unexpected()
  return BigInt(value)
}

/** Reads an entry's id: its number, or null where the id is not one that the sink gives. */
export function offsetOfId(id: string): bigint | null {
  const number = /^(\d{1,19})-0$/.exec(id)?.[1]
  return number === undefined ? null : BigInt(number)
}

function unexpected(): EstafetError {
  return new EstafetError('UNAVAILABLE', 'Redis gave an answer of another form than expected.')
}
