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

/** What a service tells of itself in a table: made of its own rows. */
export interface Summary {
  readonly says: string
  /** What an entry stands for. */
  readonly of: string
  readonly row: z.ZodType<Record<string, string | number>>
  readonly sql: string
}

export interface StandardRoutes {
  readonly title: string
  readonly running: Running
  readonly store: PostgresStore
  readonly summary: Summary
}

/** What every service answers over HTTP: its health, its counters, its summary and its OpenAPI document. */
export function addStandardRoutes(app: OpenAPIHono, { title, running, store, summary }: StandardRoutes): void {
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
  addSummary(app, store, summary)
  app.doc31('/openapi.json', { openapi: '3.1.0', info: { title, version: '1' } })
}

function addSummary(app: OpenAPIHono, store: PostgresStore, { says, of, row, sql }: Summary): void {
  const schema = z.array(row)
  const route = createRoute({
    method: 'get',
    path: '/summary',
    summary: says,
    responses: { 200: { description: `One entry a ${of}`, content: { 'application/json': { schema } } } },
  })
  app.openapi(route, async (context) => {
    const { rows } = await store.transaction((tx) => tx.query(sql))
    return context.json(schema.parse(rows), 200)
  })
}
