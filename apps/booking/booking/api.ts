import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { isEstafetError, type Logger } from 'estafet'
import type { PostgresStore } from 'estafet/postgres'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { problem } from '../../../engines/application/problem.ts'
import { day, trip, tripId } from '../messages.ts'
import { type Desk, giveUpTrip, takeTrip } from './take-trip.ts'
import { forms, states } from './trips.ts'

const maxBodyBytes = 100_000
const ofTrip = { params: z.object({ tripId }) }
const state = z.object({ tripId, state: z.enum(states) })
const shown = state.extend({
  form: z.enum(forms),
  refusal: z.string().nullable(),
  cancelledOn: z.string().nullable(),
  price: z.string(),
  kept: z.string().nullable(),
  /** All that it was in, in order. */
  went: z.array(z.object({ state: z.enum(states), at: z.string() })),
})
const failure = { 'application/problem+json': { schema: z.object({ title: z.string(), status: z.number() }) } }
const json = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } })

/** The HTTP interface of the booking service. */
export function bookingApi(desk: Desk, logger: Logger): OpenAPIHono {
  const app = new OpenAPIHono({
    defaultHook: (result) => {
      if (result.success) return
      const found = result.error.issues.map((issue) => ({
        field: issue.path.join('.') || '(body)',
        reason: issue.message,
      }))
      return problem(422, 'There are invalid fields; nothing was written.', found)
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
  addTrips(app, desk)
  addCancellation(app, desk)
  addGet(app, desk.store)
  return app
}

function tooLarge(): Response {
  const response = problem(413, `The body exceeds ${maxBodyBytes} bytes.`)
  // The rest of the body stays unread, so the connection ends; a client that is not told would use it again.
  response.headers.set('connection', 'close')
  return response
}

function addTrips(app: OpenAPIHono, desk: Desk): void {
  const answer = z.object({ tripId, state: z.enum(['begun', 'known']) })
  const route = createRoute({
    method: 'post',
    path: '/trips',
    summary: 'Begins a trip. Repeating it with the same body changes nothing.',
    request: { body: { required: true, content: json(trip.extend({ form: z.enum(forms) })) } },
    responses: {
      201: { description: 'Begun', content: json(answer) },
      200: { description: 'Begun before, with the same content', content: json(answer) },
      409: { description: 'Begun before, with another content', content: failure },
      422: { description: 'Invalid; names the fields', content: failure },
    },
  })
  app.openapi(route, async (context) => {
    const { form, ...wanted } = context.req.valid('json')
    const said = saidBy(context.req)
    const begun = await takeTrip(desk, wanted, form, said)
    if (begun === 'conflict') {
      return refuse(409, 'Another trip has this id.', [{ field: 'tripId', reason: 'is taken' }])
    }
    context.header('x-correlation-id', said.correlationId)
    return context.json({ tripId: wanted.tripId, state: begun }, begun === 'begun' ? 201 : 200)
  })
}

function addCancellation(app: OpenAPIHono, desk: Desk): void {
  const route = createRoute({
    method: 'post',
    path: '/trips/{tripId}/cancellation',
    summary:
      'Gives a trip up. One that is not completed yet is cancelled as soon as it is; repeating it changes nothing.',
    request: { ...ofTrip, body: { required: true, content: json(z.object({ on: day })) } },
    responses: {
      202: { description: 'Noted', content: json(state) },
      404: { description: 'No such trip' },
      422: { description: 'Invalid; names the fields', content: failure },
    },
  })
  app.openapi(route, async (context) => {
    const { tripId: id } = context.req.valid('param')
    const said = saidBy(context.req)
    const found = await giveUpTrip(desk, id, context.req.valid('json').on, said)
    if (found === null) return refuse(404, 'There is no such trip.')
    context.header('x-correlation-id', said.correlationId)
    return context.json({ tripId: id, state: found }, 202)
  })
}

function addGet(app: OpenAPIHono, store: PostgresStore): void {
  const route = createRoute({
    method: 'get',
    path: '/trips/{tripId}',
    summary: 'One trip, and how it went.',
    request: ofTrip,
    responses: {
      200: { description: 'The trip', content: json(shown) },
      404: { description: 'No such trip' },
    },
  })
  app.openapi(route, async (context) => {
    const { tripId: id } = context.req.valid('param')
    const { rows } = await store.transaction((tx) => tx.query<z.infer<typeof shown>>(tripText, [id]))
    return rows[0] === undefined ? refuse(404, 'There is no such trip.') : context.json(rows[0], 200)
  })
}

const tripText = `SELECT trip_id AS "tripId", state::text AS state, form, refusal, cancelled_on::text AS "cancelledOn", price::text,
  kept::text, (SELECT jsonb_agg(jsonb_build_object('state', w.state, 'at', w.at) ORDER BY w.at, w.state)
    FROM transition w WHERE w.trip_id = t.trip_id) AS went
  FROM trip t WHERE trip_id = $1`

function refuse(status: 404 | 409, title: string, found: Parameters<typeof problem>[2] = []): never {
  throw new HTTPException(status, { res: problem(status, title, found) })
}

/** The caller's correlation id if it is fit for a header and a log line, else a new one; and its trace. */
function saidBy(request: { header(name: string): string | undefined }) {
  const header = request.header('x-correlation-id')
  const isFit = header !== undefined && /^[\w.:-]{1,100}$/.test(header)
  return { correlationId: isFit ? header : crypto.randomUUID(), traceparent: request.header('traceparent') }
}
