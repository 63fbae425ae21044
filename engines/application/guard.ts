import type { MiddlewareHandler } from 'hono'

const policy = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", 'img-src data:'],
  ...["base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"],
].join('; ')

/**
 * Answers this machine's own pages and programs only: a page from elsewhere could reach a loopback address through the
 * browser, by a name that it points here (Host) or by a request of its own (Origin).
 */
export const guard: MiddlewareHandler = async (context, next) => {
  const host = context.req.header('host') ?? ''
  const origin = context.req.header('origin')
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host) || (origin !== undefined && origin !== `http://${host}`)) {
    return refusal()
  }
  await next()
  context.header('content-security-policy', policy)
  context.header('x-content-type-options', 'nosniff')
  context.header('referrer-policy', 'no-referrer')
  context.header('cache-control', 'no-store')
  return undefined
}

function refusal(): Response {
  const title = 'This server answers its own page and programs of this machine only.'
  const body = JSON.stringify({ type: 'about:blank', title, status: 403 })
  return new Response(body, { status: 403, headers: { 'content-type': 'application/problem+json' } })
}
