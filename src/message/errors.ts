/**
 * Every error code of the toolkit, whether trying again can help, and one line of what it means.
 *
 * `later`: the same call may succeed when repeated. `never`: it will fail again until something is changed.
 * `docs/errors.md` has a section for each; a test keeps the two equal.
 */
export const errorCodes = {
  CONFLICT: { retry: 'later', means: 'another transaction won; nothing was written' },
  WRONG_VERSION: { retry: 'later', means: 'the stream is not as the append expected; nothing was written' },
  UNAVAILABLE: { retry: 'later', means: 'the database or broker could not be reached, or its answer was lost' },
  FENCED: { retry: 'later', means: 'the lease of this lane went to another process; nothing was written' },
  GAP: { retry: 'later', means: 'messages are missing between the last one taken and the one received' },
  TIMED_OUT: { retry: 'later', means: 'a handler took longer than it may; nothing it wrote is kept' },
  CRASHED: { retry: 'later', means: 'the process ended while a handler ran' },
  REJECTED: { retry: 'never', means: 'the handler said that it will never take this message' },
  INVALID_MESSAGE: { retry: 'never', means: 'the data does not satisfy the schema of its event' },
  UNENCODABLE: { retry: 'never', means: 'the data cannot be written as JSON without changing it' },
  TOO_LARGE: { retry: 'never', means: 'the message exceeds a size limit' },
  APPEND_ID_REUSED: { retry: 'never', means: 'other events were appended under this append id' },
  NOT_IN_TRANSACTION: { retry: 'never', means: 'publish was called outside a transaction' },
  UNDECODABLE: { retry: 'never', means: 'the stored bytes are not the JSON they should be' },
  EPOCH_CHANGED: { retry: 'never', means: 'the log is not the one that was read before, or it was set back' },
  SCHEMA_DRIFT: { retry: 'never', means: 'the database differs from what the migrations made' },
  UNSUPPORTED: { retry: 'never', means: 'the driver or broker cannot do this, and does not pretend to' },
  MISCONFIGURED: { retry: 'never', means: 'an option or a server setting is missing, wrong or unsafe' },
} as const satisfies Record<string, { readonly retry: 'later' | 'never'; readonly means: string }>

export type ErrorCode = keyof typeof errorCodes
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>

const brand: unique symbol = Symbol.for('estafet.error')

/**
 * The one error class of the toolkit. Match on `code`; the message is for people and may change.
 *
 * Neither message nor details ever hold a payload or a secret.
 */
export class EstafetError extends Error {
  readonly code: ErrorCode
  readonly retry: 'later' | 'never'
  readonly details: ErrorDetails
  readonly [brand] = true

  constructor(code: ErrorCode, message: string, more: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.name = 'EstafetError'
    this.code = code
    this.retry = errorCodes[code].retry
    this.details = more.details ?? {}
  }
}

/** Tells whether a value is an EstafetError, also one made by another copy of the package, and of the code given. */
export function isEstafetError(value: unknown, code?: ErrorCode): value is EstafetError {
  if (typeof value !== 'object' || value === null || !(brand in value)) return false
  return code === undefined || ('code' in value && value.code === code)
}
