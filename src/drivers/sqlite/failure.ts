import { EstafetError, isEstafetError } from '../../message/errors.ts'

/** Primary result codes of SQLite that say nothing about a statement: the file, its disk or its lock is the trouble. */
const ofTheFile: Readonly<Record<number, string>> = {
  3: 'may not be used by this process',
  5: 'is locked by another process',
  6: 'is locked by another connection',
  7: 'could not be worked on for want of memory',
  8: 'is read-only',
  10: 'could not be read or written',
  11: 'is damaged',
  13: 'has no room left on its disk',
  14: 'could not be opened',
  15: 'is locked in a way that could not be resolved',
  22: 'is too large for this system',
  26: 'is no SQLite database',
}

/**
 * Turns trouble with the file into UNAVAILABLE, by SQLite's result code and never by its text. Whatever else a statement
 * was refused for is its own: a constraint, a table that does not exist.
 */
export function translate(error: unknown): unknown {
  if (isEstafetError(error)) return error
  const says = troubleOf(error)
  return says === null ? error : new EstafetError('UNAVAILABLE', `The SQLite database ${says}.`, { cause: error })
}

/** `translate` for what happens while a database is opened: then somebody has to put it right. */
export function translateOpening(error: unknown, place: string): unknown {
  if (isEstafetError(error)) return error
  if (isBusy(error)) return translate(error)
  const says = troubleOf(error)
  if (says === null) return error
  const folder = codeOf(error) === 14 ? ' Its folder must exist, and this process may write there.' : ''
  return new EstafetError('MISCONFIGURED', `The SQLite database ${place} ${says}.${folder}`, { cause: error })
}

/** Tells errors that are about the file, and not about a statement. */
export function isTrouble(error: unknown): boolean {
  return troubleOf(error) !== null
}

/** Tells whether another connection holds the lock that was asked for. */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error)
  return code === 5 || code === 6
}

function troubleOf(error: unknown): string | null {
  const code = codeOf(error)
  if (code !== null) return ofTheFile[code] ?? null
  // A connection that was closed under us.
  const isClosed = error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_STATE'
  return isClosed ? 'was closed' : null
}

/** SQLite's primary result code: the extended ones keep it in their last byte. */
function codeOf(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return null
  return typeof error.errcode === 'number' ? error.errcode & 0xff : null
}
