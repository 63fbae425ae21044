import { createRoute, z } from '@hono/zod-openapi'
import type { Logger } from 'estafet'
import type { Context } from 'hono'
import type { Orders } from '../system/system.ts'
import { type Api, body, byId, contextOf, type Env, id, json, newApi, problems, text } from '../web/api.ts'
import { refuse } from '../web/problem.ts'
import { type AskedFor, type Done, handle, newOrderId, type Undone } from './command.ts'
import { price } from './money.ts'
import { orderView } from './order-view.ts'
import { positionHeader } from './read-your-writes.ts'

const newOrder = z.strictObject({
  customer_id: id.nullable().default(null),
  country: text.pipe(z.string().min(1).max(60)).nullable().default(null),
})
const newItem = z.strictObject({ product_id: id, quantity: z.int().min(1).max(1_000_000), price })

const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible characters of ASCII')
  .optional()
const ifMatch = z
  .string()
  .regex(/^(\*|"[1-9]\d{0,8}")$/, 'must be an ETag of this order, such as "3", or *')
  .optional()
const keyed = z.object({ 'idempotency-key': idempotencyKey })
const guarded = z.object({ 'idempotency-key': idempotencyKey, 'if-match': ifMatch })

const refusals = {
  404: problems('There is no such order'),
  409: problems('Not as things are, or the key was used for another command; names the field'),
  412: problems('The order is at another version than If-Match says; tells which'),
  422: problems('Invalid; names the fields'),
}

/** What changes orders, over HTTP: commands to the aggregate. */
export function commandsApi({ streams }: Orders, logger: Logger): Api {
  const app = newApi()

  async function run(context: Context<Env>, order: string, command: AskedFor) {
    const [key, match] = [context.req.header('idempotency-key') ?? null, context.req.header('if-match') ?? null]
    const expected = match === null || match === '*' ? null : Number(match.slice(1, -1))
    const done = await handle(streams, order, command, {
      ...{ idempotencyKey: key, expected, context: contextOf(context) },
    })
    const correlation_id = context.get('correlationId')
    logger.info('a command', { command: command.do, order_id: order, state: done.state, correlation_id })
    return answer(context, done)
  }

  const create = createRoute({
    method: 'post',
    path: '/orders',
    summary: 'Creates an order. With an Idempotency-Key, repeating it changes nothing.',
    request: { headers: keyed, body: body(newOrder) },
    responses: { 201: json(orderView, 'Created'), 200: json(orderView, 'Created before, under this key'), ...refusals },
  })
  app.openapi(create, async (context) => {
    const order = newOrderId(context.req.valid('header')['idempotency-key'] ?? null)
    const done = await run(context, order, { do: 'create', ...context.req.valid('json') })
    context.header('location', `/orders/${order}`)
    return context.json(done.order, done.state === 'done' ? 201 : 200)
  })

  const common = { responses: { 200: json(orderView, 'As it is after it'), ...refusals } }
  const add = createRoute({
    ...common,
    method: 'post',
    path: '/orders/{id}/items',
    summary: 'Adds an item, while the order is CREATED. With If-Match, only to the version that you saw.',
    request: { params: byId, headers: guarded, body: body(newItem) },
  })
  app.openapi(add, async (context) => {
    const command = { do: 'add', ...context.req.valid('json') } as const
    return context.json((await run(context, context.req.valid('param').id, command)).order, 200)
  })

  const confirm = createRoute({
    ...common,
    method: 'post',
    path: '/orders/{id}/confirm',
    summary: 'Confirms an order with items, once.',
    request: { params: byId, headers: guarded },
  })
  app.openapi(confirm, async (context) => {
    return context.json((await run(context, context.req.valid('param').id, { do: 'confirm' })).order, 200)
  })
  return app
}

/** Sets the headers of what was done; what was not done ends the request. */
function answer(context: Context<Env>, done: Done | Undone): Done {
  if ('order' in done) {
    context.header('etag', `"${done.order.version}"`)
    if (done.position !== null) context.header(positionHeader, done.position.toString())
    return done
  }
  if (done.state === 'conflict') {
    const fault = { field: 'idempotency-key', reason: 'was used for another command' }
    return refuse(409, 'Not as things are; nothing was written.', [fault])
  }
  if (done.state === 'stale') {
    const fault = { field: 'if-match', reason: `is not the newest: the order is at version ${done.actual}` }
    const options = { headers: { etag: `"${done.actual}"` }, actualVersion: done.actual }
    return refuse(412, 'Somebody was first; nothing was written.', [fault], options)
  }
  if (done.why === 'missing') return refuse(404, 'There is no such order.')
  const field = done.why === 'empty' || done.why === 'full' ? 'items' : 'status'
  return refuse(409, 'Not as things are; nothing was written.', [{ field, reason: done.reason }])
}
