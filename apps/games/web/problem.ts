export interface Fault {
  readonly field: string
  readonly reason: string
}

/** A problem document (RFC 9457), naming the fields at fault and never their values. */
export function problem(status: number, title: string, errors: readonly Fault[] = []): Response {
  const body = { type: 'about:blank', title, status, ...(errors.length === 0 ? {} : { errors }) }
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json' } })
}
