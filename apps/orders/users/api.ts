import { createRoute, z } from '@hono/zod-openapi'
import type { PostgresStore } from 'estafet/postgres'
import { type Api, body, byId, contextOf, json, newApi, problems, text } from '../web/api.ts'
import { refuse } from '../web/problem.ts'
import { saveUser } from './users.ts'

const profile = z.strictObject({
  email: z.email().max(320),
  name: text.pipe(z.string().min(1).max(200)).nullable().default(null),
  address: text.pipe(z.string().min(1).max(500)).nullable().default(null),
})
const saved = profile.extend({ id: z.string() })

/** The HTTP interface of the users service: as much of it as orders need. */
export function usersApi(store: PostgresStore): Api {
  const app = newApi()
  const route = createRoute({
    method: 'put',
    path: '/users/{id}',
    summary: 'Stores a profile and publishes user.changed.',
    request: { params: byId, body: body(profile) },
    responses: { 200: json(saved, 'As it is now'), 409: problems('The address is taken'), 422: problems('Invalid') },
  })
  app.openapi(route, async (context) => {
    const user = { ...context.req.valid('json'), id: context.req.valid('param').id }
    const outcome = await saveUser(store, user, contextOf(context))
    if (outcome === 'saved') return context.json(user, 200)
    return refuse(409, 'Not as things are; nothing was written.', [
      { field: 'email', reason: 'has an account already' },
    ])
  })
  return app
}
