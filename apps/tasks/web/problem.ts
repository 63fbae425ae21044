import { HTTPException } from 'hono/http-exception'

export interface Fault {
  readonly field: string
  readonly reason: string
}

/** A problem document (RFC 9457), naming the fields at fault and never their values. */
export function problem(
  status: number,
  title: string,
  errors: readonly Fault[] = [],
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body = { type: 'about:blank', title, status, ...(errors.length === 0 ? {} : { errors }) }
  // All at once: the server loses what is set afterwards.
  const all = { 'content-type': 'application/problem+json', ...headers }
  return new Response(JSON.stringify(body), { status, headers: all })
}

/** Ends the request: it may be repeated after so many seconds. Nothing was done. */
export function refuseForNow(seconds: number): never {
  const headers = { 'retry-after': String(seconds) }
  const res = problem(429, 'Too many requests; nothing was done. Try again later.', [], headers)
  throw new HTTPException(429, { res })
}

/** Ends the request with a problem document. */
export function refuse(status: 400 | 401 | 403 | 404 | 409 | 422, title: string, errors: readonly Fault[] = []): never {
  const res = problem(status, title, errors, status === 401 ? { 'www-authenticate': 'Bearer' } : {})
  throw new HTTPException(status, { res })
}
