/** A problem document (RFC 9457), naming the fields at fault and never their values. */
export function problem(
  status: number,
  title: string,
  faults: readonly { readonly field: string; readonly reason: string }[] = [],
): Response {
  const body = { type: 'about:blank', title, status, ...(faults.length === 0 ? {} : { errors: faults }) }
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json' } })
}
