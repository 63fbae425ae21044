import { EstafetError } from '../message/errors.ts'

/** Why the ops API refuses a request, beside the codes of the toolkit's own errors. */
export const refusals = {
  INVALID_REQUEST: { status: 400, means: 'a parameter is missing, wrong or not known' },
  UNAUTHENTICATED: { status: 401, means: 'there is no token, or not one that is known' },
  FORBIDDEN: { status: 403, means: 'the role of the token, the host or the origin does not allow it' },
  NOT_FOUND: { status: 404, means: 'there is no such thing, or not any more' },
  WRONG_METHOD: { status: 405, means: 'the path is there, but not for this method' },
  CHANGED: { status: 409, means: 'what was chosen is not what was seen; nothing was done' },
  PARKED: { status: 409, means: 'keys are parked that it would overtake; nothing was done' },
  REUSED: { status: 409, means: 'the request id belongs to another request; nothing was done' },
  TOO_LARGE: { status: 413, means: 'the body is larger than it may be' },
  NOT_JSON: { status: 415, means: 'the body is not JSON' },
  TOO_MANY: { status: 429, means: 'the token asks too often' },
  INTERNAL: { status: 500, means: 'the service failed; its log says more' },
} as const satisfies Record<string, { readonly status: number; readonly means: string }>

export type RefusalCode = keyof typeof refusals

/** A request that is not done. Its text never quotes what was sent. */
export class Refusal extends Error {
  readonly code: RefusalCode
  readonly hint: string | null
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: RefusalCode,
    message: string,
    more: { readonly hint?: string; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message)
    this.code = code
    this.hint = more.hint ?? null
    this.headers = more.headers ?? {}
  }
}

/** What of an error is answered. */
export interface ErrorAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } }
}

export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof Refusal) {
    const { code, message, hint, headers } = error
    return { status: refusals[code].status, headers, body: { error: { code, message, hint } } }
  }
  if (error instanceof EstafetError) {
    const status = statuses[error.code] ?? 500
    const hint = `docs/errors.md has a section on ${error.code}.`
    return { status, headers: {}, body: { error: { code: error.code, message: error.message, hint } } }
  }
  // Any other error may quote anything.
  const body = { error: { code: 'INTERNAL', message: 'The service failed.', hint: 'Its log says more.' } }
  return { status: 500, headers: {}, body }
}

const statuses: Readonly<Partial<Record<EstafetError['code'], number>>> = {
  CONFLICT: 409,
  FENCED: 409,
  GAP: 409,
  EPOCH_CHANGED: 409,
  TOO_LARGE: 413,
  INVALID_MESSAGE: 422,
  UNENCODABLE: 422,
  UNDECODABLE: 422,
  UNSUPPORTED: 422,
  UNAVAILABLE: 503,
  TIMED_OUT: 503,
}
