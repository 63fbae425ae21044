import { createRoute, z } from '@hono/zod-openapi'
import type { PostgresStore } from 'estafet/postgres'
import { type Api, bearer, json, type Now, newApi, problems, signedIn } from '../web/api.ts'
import type { Caller, Tokens } from '../web/tokens.ts'

const status = z.enum(['pending', 'sent', 'failed'])
const view = z.object({
  id: z.uuid(),
  kind: z.string(),
  task_id: z.uuid(),
  text: z.string(),
  status,
  created_at: z.string(),
})
const page = z.object({ after: z.uuid().optional(), limit: z.coerce.number().int().min(1).max(100).default(50) })

interface Row extends Omit<z.infer<typeof view>, 'created_at'> {
  readonly created_at: Date
}

/** The HTTP interface of the notifications service: everybody's inbox; `now` as for `signedIn`. */
export function notificationsApi(store: PostgresStore, tokens: Tokens, now: Now): Api {
  const app = newApi()
  const known = signedIn(tokens, async (caller) => {
    const gone = 'SELECT FROM known_user WHERE id = $1 AND is_deleted'
    const { rowCount } = await store.transaction((tx) => tx.query(gone, [caller.id]))
    return rowCount === 0 ? await now(caller) : null
  })
  app.use('/api/notifications', known)
  const list = createRoute({
    method: 'get',
    path: '/api/notifications',
    summary: 'Your notifications, newest first, by pages.',
    security: bearer,
    request: { query: page },
    responses: {
      200: json(z.object({ items: z.array(view), next: z.uuid().nullable() }), 'A page'),
      401: problems('No valid token'),
    },
  })
  app.openapi(list, async (context) => {
    const { after = null, limit } = context.req.valid('query')
    const rows = await inboxOf(store, context.get('caller'), after, limit)
    const items = rows.map((row) => ({ ...row, created_at: row.created_at.toISOString() }))
    return context.json({ items, next: items.length === limit ? (items.at(-1)?.id ?? null) : null }, 200)
  })
  return app
}

async function inboxOf(
  store: PostgresStore,
  caller: Caller,
  after: string | null,
  limit: number,
): Promise<readonly Row[]> {
  const { rows } = await store.transaction((tx) =>
    tx.query<Row>(
      `SELECT id, kind, task_id, text, status, created_at FROM notification
      WHERE recipient_id = $1 AND ($2::uuid IS NULL OR (created_at, id) <
        (SELECT m.created_at, m.id FROM notification m WHERE m.id = $2 AND m.recipient_id = $1))
      ORDER BY created_at DESC, id DESC LIMIT $3`,
      [caller.id, after, limit],
    ),
  )
  return rows
}
