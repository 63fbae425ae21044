import { type ErrorCode, EstafetError, isEstafetError } from '../../message/errors.ts'

/**
 * Turns what a PostgreSQL client threw into the toolkit's codes, by SQLSTATE or system error code, never by its text.
 *
 * `lost` is set when the connection is known to be gone, whatever the error says. Only the code is repeated in the message: PostgreSQL's own text and detail can hold row values.
 */
export function translate(error: unknown, lost?: Error): unknown {
  // Whatever else went wrong after the connection did is no fault of its own.
  if (isEstafetError(error)) return lost === undefined || isAboutTheLane(error) ? error : unavailable(error)
  const code = codeOf(error)
  const known = code === null ? undefined : (exact[code] ?? byClass[code.slice(0, 2)])
  if (known !== undefined) return new EstafetError(known.code, `${known.says} (${code}).`, { cause: error })
  if (code !== null && unreachableCodes.includes(code)) return unavailable(error, code)
  return isConnectionText(error) || lost !== undefined ? unavailable(error) : error
}

/**
 * `translate` for what work threw while its connection is well: only a transaction that lost against another one. Whatever
 * else it says, also of databases that cannot be reached, is about the work's own statements and dependencies.
 */
export function translateConflict(error: unknown): unknown {
  const code = isEstafetError(error) ? null : codeOf(error)
  const known = code === null ? undefined : exact[code]
  if (known?.code !== 'CONFLICT') return error
  return new EstafetError(known.code, `${known.says} (${code}).`, { cause: error })
}

/** The error of a COMMIT that answered ROLLBACK: a statement failed and nobody looked. */
export function rolledBack(): EstafetError {
  return new EstafetError('CONFLICT', 'The transaction was rolled back: one of its statements had failed.')
}

/** Tells whether the server ended a connection because its transaction sent nothing for too long. */
export function isIdleTimeout(error: unknown): boolean {
  return codeOf(error) === '25P03'
}

/** The error of a transaction that the server ended so: it was the work that was silent, and not the database. */
export function idleTooLong(cause: unknown): EstafetError {
  return new EstafetError('TIMED_OUT', 'The transaction sent nothing for too long, and the server ended it (25P03).', {
    cause,
  })
}

/** Tells whether the client gave up waiting for an answer (`query_timeout` of `pg`, which gives it no code). */
export function isReadTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout'
}

/** The error of a statement that was not answered in time: it may still run, so its connection is of no more use. */
export function readTooLong(cause: unknown): EstafetError {
  return new EstafetError('TIMED_OUT', 'The database did not answer within the query_timeout of its client.', { cause })
}

interface Known {
  readonly code: ErrorCode
  readonly says: string
}

const unreachable: Known = { code: 'UNAVAILABLE', says: 'The database connection failed' }

const exact: Readonly<Record<string, Known>> = {
  ESF01: { code: 'NOT_IN_TRANSACTION', says: 'publish needs a client on which BEGIN was sent; nothing was written' },
  ESF02: { code: 'FENCED', says: 'The lane is held by another process or moved on; nothing was written' },
  ESF03: { code: 'MISCONFIGURED', says: 'The subscription exists with another number of lanes; keep the old number' },
  ESF04: {
    code: 'EPOCH_CHANGED',
    says: 'The subscription has progress in another epoch of this log; decide where it begins in the new one',
  },
  '40001': { code: 'CONFLICT', says: 'The transaction lost against a concurrent one' },
  '40P01': { code: 'CONFLICT', says: 'The transaction was chosen to resolve a deadlock' },
  '55P03': { code: 'CONFLICT', says: 'A lock was not available in time' },
  '57P01': unreachable,
  '57P02': unreachable,
  '57P03': unreachable,
  '57P05': unreachable,
  '25P03': unreachable,
}

const unreachableCodes = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH']

const byClass: Readonly<Record<string, Known>> = {
  '08': unreachable,
  '53': { code: 'UNAVAILABLE', says: 'The database lacks resources' },
}

/** FENCED is known whatever came after it, and so is TIMED_OUT. */
function isAboutTheLane(error: EstafetError): boolean {
  return error.code === 'FENCED' || error.code === 'TIMED_OUT'
}

function unavailable(cause: unknown, code?: string): EstafetError {
  return new EstafetError('UNAVAILABLE', `${unreachable.says}${code === undefined ? '' : ` (${code})`}.`, { cause })
}

function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}

// pg gives its own connection errors no code, so there is nothing but the text to tell them by.
const connectionTexts = [
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'Client has encountered a connection error and is not queryable',
  'Query read timeout',
  'timeout expired',
  'timeout exceeded when trying to connect',
]

function isConnectionText(error: unknown): boolean {
  return error instanceof Error && connectionTexts.includes(error.message)
}
