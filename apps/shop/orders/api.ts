import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { isEstafetError, type Logger } from 'estafet'
import type { PostgresStore } from 'estafet/postgres'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { problem } from '../../../engines/application/problem.ts'
import { invoice } from '../messages.ts'
import { type DocumentKind, documentKinds, faults } from './document.ts'
import { takeDocument } from './take-document.ts'

/** Larger than the largest invoice of the shop by far, and below what a message may hold. */
const maxBodyBytes = 900_000

const answer = z.object({ invoiceNo: z.string(), state: z.enum(['taken', 'known']) })
const path = { order: '/orders', return: '/returns', 'write-off': '/write-offs', adjustment: '/adjustments' } as const

/** The HTTP interface of the orders service. */
export function ordersApi(store: PostgresStore, logger: Logger): OpenAPIHono {
  const app = new OpenAPIHono({
    defaultHook: (result) => {
      if (result.success) return
      const found = result.error.issues.map((issue) => ({
        field: issue.path.join('.') || '(body)',
        reason: issue.message,
      }))
      return problem(422, 'The document has invalid fields; nothing was written.', found)
    },
  })
  app.use(bodyLimit({ maxSize: maxBodyBytes, onError: tooLarge }))
  app.onError((error) => {
    if (error instanceof HTTPException) {
      if (error.res !== undefined) return error.res
      return problem(error.status, 'The request is malformed.', [{ field: '(body)', reason: 'is not JSON' }])
    }
    const code = isEstafetError(error) ? error.code : error.name
    const isPassing = isEstafetError(error) && error.retry === 'later'
    if (isPassing) logger.warn('a request could not be served now', { error: code })
    else logger.error('a request failed', { error: code })
    return problem(isPassing ? 503 : 500, isPassing ? 'Not possible just now; try again.' : 'The request failed.')
  })
  for (const kind of documentKinds) addPost(app, store, kind, logger)
  addGet(app, store)
  return app
}

function tooLarge(): Response {
  const response = problem(413, `The body exceeds ${maxBodyBytes} bytes.`)
  // The rest of the body stays unread, so the connection ends; a client that is not told would use it again.
  response.headers.set('connection', 'close')
  return response
}

function addPost(app: OpenAPIHono, store: PostgresStore, kind: DocumentKind, logger: Logger): void {
  const json = { 'application/json': { schema: answer } }
  const failure = { 'application/problem+json': { schema: z.object({ title: z.string(), status: z.number() }) } }
  const route = createRoute({
    method: 'post',
    path: path[kind],
    summary: `Takes one ${kind}. Repeating it with the same body changes nothing.`,
    request: { body: { required: true, content: { 'application/json': { schema: invoice } } } },
    responses: {
      201: { description: 'Stored and published', content: json },
      200: { description: 'Known already, with the same content', content: json },
      409: { description: 'Known already, with another content', content: failure },
      422: { description: 'Invalid; names the fields', content: failure },
    },
  })
  app.openapi(route, async (context) => {
    const body = context.req.valid('json')
    const found = faults(kind, body)
    if (found.length > 0) refuse(422, 'The document breaks a rule; nothing was written.', found)
    const correlationId = correlationOf(context.req.header('x-correlation-id'))
    const traceparent = context.req.header('traceparent')
    const state = await takeDocument(store, kind, body, { correlationId, traceparent })
    if (state === 'conflict') {
      return refuse(409, 'Another document has this number.', [{ field: 'invoiceNo', reason: 'is taken' }])
    }
    context.header('x-correlation-id', correlationId)
    logger.debug('document', { state, correlation_id: correlationId })
    return context.json({ invoiceNo: body.invoiceNo, state }, state === 'taken' ? 201 : 200)
  })
}

function addGet(app: OpenAPIHono, store: PostgresStore): void {
  const document = z.object({
    invoiceNo: z.string(),
    kind: z.enum(documentKinds),
    country: z.string(),
    total: z.string(),
    lines: z.number(),
    state: z.enum(['placed', 'stock moved', 'paid', 'completed']),
  })
  const route = createRoute({
    method: 'get',
    path: '/documents/{invoiceNo}',
    summary: 'One document and how far it got.',
    request: { params: z.object({ invoiceNo: invoice.shape.invoiceNo }) },
    responses: {
      200: { description: 'The document', content: { 'application/json': { schema: document } } },
      404: { description: 'No such document' },
    },
  })
  app.openapi(route, async (context) => {
    const { invoiceNo } = context.req.valid('param')
    const { rows } = await store.transaction((tx) => tx.query<z.infer<typeof document>>(documentText, [invoiceNo]))
    return rows[0] === undefined ? refuse(404, 'There is no such document.') : context.json(rows[0], 200)
  })
}

const documentText = `SELECT d.invoice_no AS "invoiceNo", d.kind, d.country, d.total::text,
  (SELECT count(*)::int FROM document_line l WHERE l.invoice_no = d.invoice_no) AS lines,
  CASE WHEN d.paid_at IS NOT NULL AND d.stock_moved_at IS NOT NULL THEN 'completed' WHEN d.paid_at IS NOT NULL THEN 'paid'
    WHEN d.stock_moved_at IS NOT NULL THEN 'stock moved' ELSE 'placed' END AS state
  FROM document d WHERE d.invoice_no = $1`

function refuse(status: 404 | 409 | 422, title: string, found: Parameters<typeof problem>[2] = []): never {
  throw new HTTPException(status, { res: problem(status, title, found) })
}

/** The caller's correlation id if it is fit for a header and a log line, else a new one. */
function correlationOf(header: string | undefined): string {
  return header !== undefined && /^[\w.:-]{1,100}$/.test(header) ? header : crypto.randomUUID()
}
