import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { type Api, adminOnly, bearer, body, type Env, json, type Now, newApi, problems, signedIn } from '../web/api.ts'
import { refuse } from '../web/problem.ts'
import type { Tokens } from '../web/tokens.ts'
import { type By, clear, findLetter, type Letter, listLetters, reprocess } from './dead-letters.ts'
import type { Monitor } from './metrics.ts'
import { prometheusText } from './prometheus.ts'
import { replay } from './replay.ts'
import type { Subject } from './subject.ts'

const letter = z.object({
  id: z.string(),
  service: z.string(),
  original_id: z.string(),
  type: z.string(),
  handler: z.string().nullable(),
  error: z.string(),
  attempts: z.number(),
  failed_at: z.string().nullable(),
  correlation_id: z.string(),
  state: z.string(),
})
const letterId = z
  .string()
  .regex(/^([a-z]+-\d{1,18}|[0-9a-fA-F-]{36})$/, 'must be the id of a dead letter, or that of its event')
const page = z.object({ after: letterId.optional(), limit: z.coerce.number().int().min(1).max(200).default(50) })
const reason = z.string().trim().min(1).max(500)

export interface Administration {
  readonly subjects: readonly Subject[]
  readonly monitor: Monitor
  readonly tokens: Tokens
  /** Who a caller is by now; see `signedIn`. What is done here is too much for somebody who was an administrator. */
  readonly now: Now
}

/** The HTTP interface for administrators: dead letters, replay, metrics. */
export function adminApi(administration: Administration): Api {
  const app = newApi()
  app.use('/admin/*', signedIn(administration.tokens, administration.now), adminOnly)
  addReading(app, administration)
  addDeciding(app, administration)
  addReplay(app, administration)
  addMetrics(app, administration)
  return app
}

function addReading(app: Api, { subjects }: Administration): void {
  const list = createRoute({
    method: 'get',
    path: '/admin/dlq',
    summary: 'Dead letters, service by service, oldest first, by pages.',
    security: bearer,
    request: { query: page },
    responses: {
      200: json(z.object({ items: z.array(letter), next: z.string().nullable() }), 'A page'),
      403: problems('Not an administrator'),
      422: problems('Invalid; names the fields'),
    },
  })
  app.openapi(list, async (context) => {
    const { after = null, limit } = context.req.valid('query')
    if (after !== null && !subjects.some(({ name }) => after.startsWith(`${name}-`))) {
      return refuse(422, 'The request has invalid fields.', [{ field: 'after', reason: 'is not the `next` of a page' }])
    }
    const items = (await listLetters(subjects, { after, limit })).map(viewOf)
    return context.json({ items, next: items.length === limit ? (items.at(-1)?.id ?? null) : null }, 200)
  })
}

function addDeciding(app: Api, { subjects }: Administration): void {
  const again = createRoute({
    method: 'post',
    path: '/admin/dlq/reprocess/{id}',
    summary: 'Brings a dead letter back, under the same id. The id is its own or that of its event.',
    security: bearer,
    request: { params: z.object({ id: letterId }) },
    responses: {
      202: json(letter, 'It is tried again'),
      404: problems('No such dead letter'),
      409: problems('It is none any more, or is tried already'),
      422: problems('Invalid; names the field'),
    },
  })
  app.openapi(again, async (context) => {
    const { id } = context.req.valid('param')
    const found = await findLetter(subjects, id)
    if (found === null) return refuse(404, 'There is no such dead letter.')
    const outcome = await reprocess(found, byOf(context, null))
    if (outcome === 'busy') {
      return refuse(409, 'Nothing was done.', [{ field: 'id', reason: 'is no dead letter now, or is tried already' }])
    }
    return context.json(viewOf(found), 202)
  })
  const discard = createRoute({
    method: 'delete',
    path: '/admin/dlq',
    summary: 'Clears the dead letters: gives up all there are. What was done, by whom and why stays in the audit.',
    security: bearer,
    request: { query: z.object({ reason: reason.default('cleared by an administrator') }) },
    responses: { 200: json(z.object({ cleared: z.number() }), 'Cleared'), 422: problems('Invalid; names the field') },
  })
  app.openapi(discard, async (context) => {
    const cleared = await clear(subjects, byOf(context, context.req.valid('query').reason))
    return context.json({ cleared }, 200)
  })
}

function addReplay(app: Api, { subjects }: Administration): void {
  const wanted = z
    .strictObject({
      service: z.string().max(100),
      topic: z.string().max(200),
      position: z.int().min(0).optional(),
      time: z.iso.datetime({ offset: true }).optional(),
      reason: reason.default('replay'),
    })
    .refine(({ position, time }) => (position === undefined) !== (time === undefined), {
      path: ['position'],
      message: 'or time must be given, and not both',
    })
  const route = createRoute({
    method: 'post',
    path: '/admin/replay',
    summary: 'Delivers the history of a topic to a service again: after a position (0: all of it), or from an instant.',
    security: bearer,
    request: { body: body(wanted) },
    responses: {
      202: json(z.object({ service: z.string(), topic: z.string(), count: z.number() }), 'So many come again'),
      409: problems('Not as things are'),
      422: problems('Invalid; names the fields'),
    },
  })
  app.openapi(route, async (context) => {
    const { service, reason: why, ...from } = context.req.valid('json')
    const subject = subjects.find(({ name }) => name === service)
    const nothing = 'Nothing was done.'
    if (subject === undefined) return refuse(422, nothing, [{ field: 'service', reason: 'is none that is known' }])
    const done = await replay(subject, from, `${byOf(context, null).who}: ${why}`)
    if (done.outcome === 'missing') return refuse(422, nothing, [{ field: 'topic', reason: 'is none that it reads' }])
    if (done.outcome !== 'done') return refuse(409, done.says)
    return context.json({ service, topic: from.topic, count: done.count }, 202)
  })
}

const count = z.number()
const lag = z.object({ topic: z.string(), messages: count.nullable(), seconds: count.nullable() })
const metricsView = z.object({
  at: z.string(),
  services: z.array(
    z.object({
      service: z.string(),
      ready: z.boolean(),
      processed: count,
      processed_per_second: count,
      duplicates: count,
      failed_attempts: count,
      lag: z.array(lag),
      unsent: z.record(z.string(), count.nullable()),
      dead_letters: count,
      dead_letters_growth: count,
    }),
  ),
  alerts: z.array(z.object({ alert: z.literal('dlq_growing'), service: z.string(), says: z.string() })),
})

function addMetrics(app: Api, { monitor }: Administration): void {
  const route = createRoute({
    method: 'get',
    path: '/admin/metrics',
    summary: 'Lag, processed rate, dead letters and alerts; as JSON, or as text for Prometheus by Accept or format.',
    security: bearer,
    request: { query: z.object({ format: z.enum(['json', 'prometheus']).optional() }) },
    responses: {
      200: {
        description: 'As of now',
        content: { 'application/json': { schema: metricsView }, 'text/plain': { schema: z.string() } },
      },
    },
  })
  app.openapi(route, async (context) => {
    const wantsText = /^(text\/plain|application\/openmetrics-text)/.test(context.req.header('accept') ?? '')
    const { format = wantsText ? 'prometheus' : 'json' } = context.req.valid('query')
    const metrics = await monitor.metrics()
    if (format === 'json') return context.json(metricsView.parse(metrics), 200)
    return context.text(prometheusText(metrics), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
  })
}

function byOf(context: Context<Env>, why: string | null): By {
  const requestId = context.req.header('idempotency-key')?.slice(0, 100) ?? null
  return { who: `user:${context.get('caller').id}`, reason: why, requestId }
}

function viewOf({ id, subject, letter: of }: Letter): z.infer<typeof letter> {
  return {
    ...{ id, service: subject.name, original_id: of.id, type: of.type, handler: of.handler },
    error: [of.errorName, of.errorMessage].filter((text) => text !== null).join(': '),
    ...{ attempts: of.attempts, failed_at: of.failedAt, correlation_id: of.correlationId, state: of.state },
  }
}
