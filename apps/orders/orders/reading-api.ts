import { createRoute, z } from '@hono/zod-openapi'
import { eventsUntil, type RecordedEvent, stateOf, type Until } from 'estafet'
import type { PostgresStreams } from 'estafet/postgres'
import type { Orders } from '../system/system.ts'
import { type Api, byId, json, newApi, problems } from '../web/api.ts'
import { refuse } from '../web/problem.ts'
import { Order } from './order.ts'
import { orderView, viewOf } from './order-view.ts'
import { positioned, shown } from './read-your-writes.ts'
import { detailsRow, orderRows, salesRows, statisticsRow } from './rows.ts'

const then = z.object({
  version: z.coerce.number().int().min(1).max(1_000_000).optional(),
  time: z.iso.datetime({ offset: true }).optional(),
})
// No calendar has a year 0: before the year 1 is the year 1 BC.
const date = z.iso.date().refine((value) => !value.startsWith('0000'), 'must be a day from 0001-01-01')
const page = z.object({
  after: z
    .string()
    .regex(/^\d{1,18}$/, 'must be the `next` of a page')
    .default('0'),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  status: z.enum(['CREATED', 'CONFIRMED']).optional(),
})
const row = z.object({
  id: z.string(),
  customer_id: z.string().nullable(),
  country: z.string().nullable(),
  status: z.string(),
  items: z.number(),
  total_amount: z.string(),
  created_at: z.string(),
})
const statistics = z.object({ total_orders: z.number(), confirmed_orders: z.number(), total_revenue: z.string() })
const day = z.object({ day: z.string(), country: z.string().nullable(), orders: z.number(), revenue: z.string() })
const details = z.object({
  id: z.string(),
  status: z.string(),
  total_amount: z.string(),
  customer: z.object({ id: z.string(), name: z.string().nullable(), email: z.string().nullable() }).nullable(),
  items: z.array(
    z.object({
      ...{ product_id: z.string(), product_name: z.string().nullable(), quantity: z.number(), price: z.string() },
    }),
  ),
})
const late = { description: 'What was written is not shown yet: ask again', content: {} }

/** What is read of orders, over HTTP: one from its events, the rest from read models. */
export function readingApi(orders: Orders): Api {
  const app = newApi()
  addReadModels(app, orders)
  addOne(app, orders)
  return app
}

function addReadModels(app: Api, orders: Orders): void {
  const { pool } = orders
  const list = createRoute({
    method: 'get',
    path: '/orders',
    summary: 'Orders by pages, oldest first. With estafet-position, not before what was written shows.',
    request: { query: page, headers: positioned },
    responses: { 200: json(z.object({ items: z.array(row), next: z.string().nullable() }), 'A page'), 202: late },
  })
  app.openapi(list, async (context) => {
    await shown(orders, 'order-list', context.req.valid('header'), context.req.raw.signal)
    const { after, limit, status = null } = context.req.valid('query')
    const rows = await orderRows(pool, { after, limit, status })
    const next = rows.length === limit ? (rows.at(-1)?.position ?? null) : null
    return context.json({ items: rows.map(({ position: _, ...shownRow }) => shownRow), next }, 200)
  })

  const totals = createRoute({
    method: 'get',
    path: '/orders/statistics',
    summary: 'How many orders there are, and what the confirmed ones come to.',
    request: { headers: positioned },
    responses: { 200: json(statistics, 'All of them'), 202: late },
  })
  app.openapi(totals, async (context) => {
    await shown(orders, 'order-statistics', context.req.valid('header'), context.req.raw.signal)
    return context.json(await statisticsRow(pool), 200)
  })

  const byDay = createRoute({
    method: 'get',
    path: '/sales',
    summary: 'Confirmed sales by day (UTC) and country; without a country, those where nobody knows it.',
    request: {
      query: z.object({ from: date.optional(), to: date.optional() }),
      headers: positioned,
    },
    responses: { 200: json(z.object({ items: z.array(day) }), 'At most 1,000 rows'), 202: late },
  })
  app.openapi(byDay, async (context) => {
    await shown(orders, 'sales', context.req.valid('header'), context.req.raw.signal)
    const { from = null, to = null } = context.req.valid('query')
    return context.json({ items: [...(await salesRows(pool, from, to))] }, 200)
  })

  const joined = createRoute({
    method: 'get',
    path: '/orders/{id}/details',
    summary: 'An order with who bought and what, as users and catalog have told.',
    request: { params: byId, headers: positioned },
    responses: { 200: json(details, 'As it is known'), 202: late, 404: problems('There is no such order') },
  })
  app.openapi(joined, async (context) => {
    await shown(orders, 'order-details', context.req.valid('header'), context.req.raw.signal)
    const found = await detailsRow(pool, context.req.valid('param').id)
    if (found === null) return refuse(404, 'There is no such order.')
    return context.json({ ...found, items: [...found.items] }, 200)
  })
}

function addOne(app: Api, { streams }: Orders): void {
  const one = createRoute({
    method: 'get',
    path: '/orders/{id}',
    summary: 'An order from its events, so as it is now; or as it was at a version or a time.',
    request: { params: byId, query: then },
    responses: { 200: json(orderView, 'The order'), 404: problems('There is none, or was none then') },
  })
  app.openapi(one, async (context) => {
    const [{ id }, { version, time }] = [context.req.valid('param'), context.req.valid('query')]
    if (version !== undefined && time !== undefined) {
      const fault = { field: 'time', reason: 'cannot be asked for beside version' }
      return refuse(422, 'The request has invalid fields; nothing was written.', [fault])
    }
    const until: Until | null = version !== undefined ? { version } : time !== undefined ? { time } : null
    const found = until === null ? await now(streams, id) : await past(streams, id, until)
    const order = viewOf(id, found.version, found.state)
    if (order === null || (version !== undefined && found.version < version)) {
      const field = version !== undefined ? 'version' : time !== undefined ? 'time' : 'id'
      return refuse(404, 'There is no such order.', [{ field, reason: 'is nothing that this order has been' }])
    }
    context.header('etag', `"${order.version}"`)
    return context.json(order, 200)
  })
}

const now = (streams: PostgresStreams, id: string) => streams.load(Order, id)

async function past(streams: PostgresStreams, id: string, until: Until) {
  const upTo = 'version' in until ? until.version : null
  const events: RecordedEvent[] = []
  for (;;) {
    const range = { after: events.length, upTo, limit: 1_000 }
    const read = await streams.events.read({ type: Order.type, id }, range)
    events.push(...read)
    if (read.length < range.limit) break
  }
  const seen = eventsUntil(events, until)
  return { state: stateOf(Order, seen), version: seen.length }
}
