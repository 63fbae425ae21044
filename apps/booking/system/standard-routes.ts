import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Running } from 'estafet'
import type { PostgresStore } from 'estafet/postgres'

const health = z.object({
  live: z.boolean(),
  ready: z.boolean(),
  stalled: z.array(
    z.object({ name: z.string(), state: z.string(), silentMs: z.number(), error: z.string().nullable() }),
  ),
})
const counters = z.object({ applied: z.number(), duplicates: z.number(), retried: z.number() })
const states = z.array(z.object({ state: z.string(), trips: z.number() }))

/** What every service answers over HTTP: its health, its counters, its summary and its OpenAPI document. */
export function addStandardRoutes(app: OpenAPIHono, name: string, running: Running, store: PostgresStore): void {
  for (const aspect of ['live', 'ready'] as const) {
    const answer = { description: `The service, ${aspect} or not`, content: { 'application/json': { schema: health } } }
    const route = createRoute({
      method: 'get',
      path: `/health/${aspect}`,
      summary: aspect === 'live' ? 'Whether to leave the process alone.' : 'Whether everything works just now.',
      responses: { 200: answer, 503: answer },
    })
    app.openapi(route, (context) => {
      const now = running.health()
      return context.json({ ...now, stalled: [...now.stalled] }, now[aspect] ? 200 : 503)
    })
  }
  const counted = { description: 'Counts', content: { 'application/json': { schema: counters } } }
  app.openapi(
    createRoute({
      method: 'get',
      path: '/counters',
      summary: 'Events taken by this process since it began.',
      responses: { 200: counted },
    }),
    (context) => context.json(running.counters(), 200),
  )
  addSummary(app, store)
  app.doc31('/openapi.json', { openapi: '3.1.0', info: { title: `Trips: ${name}`, version: '1' } })
}

function addSummary(app: OpenAPIHono, store: PostgresStore): void {
  const route = createRoute({
    method: 'get',
    path: '/summary',
    summary: "Trips by their state in this service's own tables.",
    responses: { 200: { description: 'One entry a state', content: { 'application/json': { schema: states } } } },
  })
  app.openapi(route, async (context) => {
    const { rows } = await store.transaction((tx) => tx.query<z.infer<typeof states>[number]>(summaryText))
    return context.json(rows, 200)
  })
}

const summaryText = 'SELECT state, trips FROM summary ORDER BY state'
