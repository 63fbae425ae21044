import { HTTPException } from 'hono/http-exception'

export interface Fault {
  readonly field: string
  readonly reason: string
}

/** A problem document (RFC 9457), naming the fields at fault and never their values. */
export function problem(status: number, title: string, errors: readonly Fault[] = []): Response {
  const body = { type: 'about:blank', title, status, ...(errors.length === 0 ? {} : { errors }) }
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json' } })
}

/** Ends the request with a problem document. */
export function refuse(status: 400 | 401 | 403 | 404 | 409 | 422, title: string, errors: readonly Fault[] = []): never {
  const res = problem(status, title, errors)
  if (status === 401) res.headers.set('www-authenticate', 'Bearer')
  throw new HTTPException(status, { res })
}
