import { createRoute, z } from '@hono/zod-openapi'
import type { SqliteStore } from 'estafet/sqlite'
import { type Api, adminOnly, bearer, json, type Now, newApi, problems, signedIn } from '../web/api.ts'
import type { Tokens } from '../web/tokens.ts'
import { kindNames } from './messages.ts'

const row = z.object({
  id: z.string(),
  event_type: z.enum(kindNames),
  task_id: z.string(),
  task_text: z.string(),
  task_owner_id: z.string(),
  stored_at: z.string(),
})
const skippedRow = z.object({
  partition: z.coerce.number(),
  offset: z.coerce.string(),
  reason: z.string(),
  details: z.string(),
  at: z.string(),
})
const limit = z.coerce.number().int().min(1).max(500).default(100)

/** The HTTP interface of analytics, for administrators; `now` as for `signedIn`. */
export function analyticsApi(store: SqliteStore, tokens: Tokens, now: Now): Api {
  const app = newApi()
  app.use('/api/analytics/*', signedIn(tokens, now), adminOnly)
  const events = createRoute({
    method: 'get',
    path: '/api/analytics/task-events',
    summary: 'The rows of task events, newest first, and how many there are of each type.',
    security: bearer,
    request: { query: z.object({ task_id: z.uuid().toLowerCase().optional(), limit }) },
    responses: {
      200: json(z.object({ items: z.array(row), totals: z.record(z.string(), z.number()) }), 'Rows and totals'),
      403: problems('Not an administrator'),
      422: problems('Invalid; names the fields'),
    },
  })
  app.openapi(events, async (context) => {
    const { task_id = null, limit: most } = context.req.valid('query')
    const [found, counted] = await store.transaction(async (tx) => [
      tx.all(
        `SELECT id, event_type, task_id, task_text, task_owner_id, stored_at FROM task_events
        WHERE ?1 IS NULL OR task_id = ?1 ORDER BY rowid DESC LIMIT ?2`,
        ...[task_id, most],
      ),
      tx.all('SELECT event_type, count(*) AS n FROM task_events GROUP BY event_type'),
    ])
    const totals = counted.map(({ event_type, n }) => [String(event_type), Number(n)] as const)
    return context.json({ items: z.array(row).parse(found), totals: Object.fromEntries(totals) }, 200)
  })
  const skipped = createRoute({
    method: 'get',
    path: '/api/analytics/skipped',
    summary: 'Messages that were skipped, and why, newest first.',
    security: bearer,
    request: { query: z.object({ limit }) },
    responses: {
      200: json(z.object({ items: z.array(skippedRow) }), 'Messages'),
      403: problems('Not an administrator'),
      422: problems('Invalid; names the fields'),
    },
  })
  app.openapi(skipped, async (context) => {
    const found = await store.transaction(async (tx) =>
      tx.all(
        `SELECT partition, offset, reason, details, at FROM skipped_messages ORDER BY rowid DESC LIMIT ?`,
        context.req.valid('query').limit,
      ),
    )
    return context.json({ items: z.array(skippedRow).parse(found) }, 200)
  })
  return app
}
