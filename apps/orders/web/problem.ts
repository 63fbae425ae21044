import { HTTPException } from 'hono/http-exception'

export interface Fault {
  readonly field: string
  readonly reason: string
}

export interface ProblemOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Of the thing that is not at the version that was expected. */
  readonly actualVersion?: number
}

/** A problem document (RFC 9457), naming the fields at fault and never their values. */
export function problem(
  status: number,
  title: string,
  errors: readonly Fault[] = [],
  { headers = {}, actualVersion }: ProblemOptions = {},
): Response {
  const body = {
    ...{ type: 'about:blank', title, status },
    ...(errors.length === 0 ? {} : { errors }),
    ...(actualVersion === undefined ? {} : { actual_version: actualVersion }),
  }
  // All at once: the server loses what is set afterwards.
  const all = { 'content-type': 'application/problem+json', ...headers }
  return new Response(JSON.stringify(body), { status, headers: all })
}

/** Ends the request with a problem document. */
export function refuse(
  status: 404 | 409 | 412 | 422,
  title: string,
  errors: readonly Fault[] = [],
  options: ProblemOptions = {},
): never {
  throw new HTTPException(status, { res: problem(status, title, errors, options) })
}
