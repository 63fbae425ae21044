import { type ErrorCode, EstafetError, isEstafetError } from '../../message/errors.ts'

/**
 * Turns what a Redis client threw into the toolkit's codes, by the first word of a reply, which is Redis' error code.
 *
 * What is no reply is trouble with the connection. Only the code is repeated: Redis' own text can hold arguments.
 */
export function translate(error: unknown): unknown {
  if (isEstafetError(error) || error instanceof TypeError) return error
  const reply = replyCode(error)
  if (reply === null) return unreachable(error)
  const code = codes[reply] ?? 'UNAVAILABLE'
  const says = code === 'MISCONFIGURED' ? 'Redis refused a command' : 'Redis cannot take a command now'
  return new EstafetError(code, strangers[reply] ?? `${says} (${reply}).`, { cause: error })
}

/** The error code of a reply, or null for what is none. */
export function replyCode(error: unknown): string | null {
  if (!(error instanceof Error) || 'code' in error) return null
  return /^([A-Z][A-Z0-9]+)(?: |$)/.exec(error.message)?.[1] ?? null
}

export function unreachable(cause?: unknown): EstafetError {
  return new EstafetError('UNAVAILABLE', 'Redis could not be reached, or its answer was lost.', { cause })
}

/** The error of a client that will not come back: better known at once than waited for. */
export function closed(): EstafetError {
  return new EstafetError(
    'MISCONFIGURED',
    'The Redis client is closed or has given up. Without a reconnectStrategy of yours it does so after a socketTimeout.',
  )
}

/** What is said of clients that Redis does not know: to try again without a mend of the URL is in vain. */
const strangers: Readonly<Record<string, string>> = {
  NOAUTH: 'Redis asks for a password, and the client gave none (NOAUTH): put it into its URL.',
  WRONGPASS: 'Redis refused the name or the password of the client (WRONGPASS): correct them in its URL.',
}

const codes: Readonly<Record<string, ErrorCode>> = {
  NOAUTH: 'MISCONFIGURED',
  WRONGPASS: 'MISCONFIGURED',
  NOPERM: 'MISCONFIGURED',
  WRONGTYPE: 'MISCONFIGURED',
  CROSSSLOT: 'MISCONFIGURED',
}
