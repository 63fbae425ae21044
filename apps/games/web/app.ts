import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { isEstafetError, type Logger } from 'estafet'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { streamSSE } from 'hono/streaming'
import { guard } from '../../../engines/application/guard.ts'
import { live } from '../../../engines/application/live.ts'
import { addPage } from '../../../engines/application/page.ts'
import { finishGame } from '../games/outbox.ts'
import { outboxRows } from '../games/rows.ts'
import { consumedRows, groupTotals } from '../scoreboard/rows.ts'
import type { System } from '../system/system.ts'
import { type Fault, problem } from './problem.ts'
import { topicMessages } from './topic.ts'

const id = z.string().regex(/^[A-Za-z0-9_.:-]{1,100}$/, 'must be 1 to 100 of A-Z a-z 0-9 _ . : -')
const game = z.strictObject({ game_id: id, chat_id: id })
const group = z.strictObject({
  group: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be 1 to 31 of a-z 0-9 -, a letter first'),
})
const headers = z.object({
  'idempotency-key': z.string().min(1).max(200).optional(),
  'x-correlation-id': z
    .string()
    .regex(/^[\w.:-]{1,100}$/, 'must be 1 to 100 of A-Z a-z 0-9 _ . : -')
    .optional(),
})
const finished = z.object({ event_id: z.uuid(), state: z.enum(['new', 'known']) })
const failure = z.object({
  title: z.string(),
  status: z.number(),
  errors: z.array(z.object({ field: z.string(), reason: z.string() })).optional(),
})

const shownRows = 40
const mostGroups = 6

/** The HTTP interface and the page. */
export function webApp(system: System, logger: Logger): OpenAPIHono {
  const app = new OpenAPIHono({
    defaultHook: (result) => {
      if (result.success) return
      const faults = result.error.issues.flatMap((issue) =>
        issue.code === 'unrecognized_keys'
          ? issue.keys.map((field) => ({ field, reason: 'is not known' }))
          : [{ field: issue.path.join('.') || '(body)', reason: issue.message }],
      )
      return problem(422, 'The request has invalid fields; nothing was written.', faults)
    },
  })
  app.use(guard, bodyLimit({ maxSize: 10_000, onError: () => problem(413, 'The body exceeds 10000 bytes.') }))
  app.notFound(() => problem(404, 'There is nothing here.'))
  app.onError((error) => {
    if (error instanceof HTTPException) {
      if (error.res !== undefined) return error.res
      return problem(error.status, 'The request is malformed.', [{ field: '(body)', reason: 'is not JSON' }])
    }
    const isPassing = isEstafetError(error) && error.retry === 'later'
    logger.warn('a request failed', { error: isEstafetError(error) ? error.code : error.name })
    return problem(isPassing ? 503 : 500, isPassing ? 'Not possible just now; try again.' : 'The request failed.')
  })
  addGames(app, system, logger)
  addGroups(app, system)
  addView(app, system)
  addPage(app, new URL('page/', import.meta.url))
  app.doc31('/openapi.json', { openapi: '3.1.0', info: { title: 'Games', version: '1' } })
  return app
}

const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})
const problems = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: failure } },
})

function addGames(app: OpenAPIHono, { games }: System, logger: Logger): void {
  const route = createRoute({
    method: 'post',
    path: '/api/games',
    summary:
      'Finishes a game: inserts a row into outbox_events. With an Idempotency-Key, repeating it changes nothing.',
    request: { headers, body: { required: true, content: { 'application/json': { schema: game } } } },
    responses: {
      201: json(finished, 'Inserted; the database has published it'),
      200: json(finished, 'Inserted before, under this key'),
      409: problems('The key was used for another game'),
      422: problems('Invalid; names the fields'),
    },
  })
  app.openapi(route, async (context) => {
    const { 'idempotency-key': key, 'x-correlation-id': asked } = context.req.valid('header')
    const correlationId = asked ?? crypto.randomUUID()
    const done = await finishGame(games.store, context.req.valid('json'), {
      idempotencyKey: key ?? null,
      correlationId,
    })
    context.header('x-correlation-id', correlationId)
    logger.info('a game was finished', { correlation_id: correlationId, event_id: done.eventId, status: done.state })
    if (done.state === 'conflict') return refuse({ field: 'idempotency-key', reason: 'was used for another game' })
    return context.json({ event_id: done.eventId, state: done.state }, done.state === 'new' ? 201 : 200)
  })
}

function addGroups(app: OpenAPIHono, system: System): void {
  const route = createRoute({
    method: 'post',
    path: '/api/groups',
    summary: 'Replay: starts a consumer group. A new one reads the topic from the beginning.',
    request: { body: { required: true, content: { 'application/json': { schema: group } } } },
    responses: {
      201: json(group, 'It runs'),
      409: problems('There are too many'),
      422: problems('Invalid; names the fields'),
    },
  })
  app.openapi(route, async (context) => {
    const wanted = context.req.valid('json')
    const running = system.groups()
    if (!running.includes(wanted.group) && running.length >= mostGroups) {
      return refuse({ field: 'group', reason: `is one too many: ${mostGroups} run already` })
    }
    await system.startGroup(wanted.group)
    return context.json(wanted, 201)
  })
}

/** What the page shows: the outbox of `games`, the topic, and what `scoreboard` consumed. */
function addView(app: OpenAPIHono, { broker, games, scoreboard, isReady }: System): void {
  const { feed } = broker.topic()
  const view = live(async () => {
    const [outbox, topic, consumed, groups] = await Promise.all([
      outboxRows(games.pool, shownRows),
      topicMessages(feed, shownRows),
      consumedRows(scoreboard.pool, shownRows),
      groupTotals(scoreboard.pool),
    ])
    return { broker: broker.says, outbox, topic, consumed, groups }
  }, 250)
  app.get('/api/live', (context) =>
    streamSSE(context, (stream) => {
      const left = new AbortController()
      stream.onAbort(() => left.abort())
      return view.watch(left.signal, (data) => stream.writeSSE({ data }))
    }),
  )
  const health = z.object({ ready: z.boolean() })
  const route = createRoute({
    method: 'get',
    path: '/health/ready',
    summary: 'Whether the relay and all groups work just now.',
    responses: { 200: json(health, 'They do'), 503: json(health, 'They do not') },
  })
  app.openapi(route, async (context) => {
    const ready = await isReady()
    return context.json({ ready }, ready ? 200 : 503)
  })
}

function refuse(fault: Fault): never {
  throw new HTTPException(409, { res: problem(409, 'Not as things are; nothing was written.', [fault]) })
}
