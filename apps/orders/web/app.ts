import { z } from '@hono/zod-openapi'
import { isEstafetError, type Logger } from 'estafet'
import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { guard } from '../../../engines/application/guard.ts'
import { catalogApi } from '../catalog/api.ts'
import { commandsApi } from '../orders/commands-api.ts'
import { readingApi } from '../orders/reading-api.ts'
import type { System } from '../system/system.ts'
import { usersApi } from '../users/api.ts'
import { type Api, type Env, json, newApi } from './api.ts'
import { problem } from './problem.ts'

const maxBodyBytes = 50_000

/** The HTTP interfaces of all services behind one address, with one OpenAPI document. */
export function webApp({ orders, users, catalog, isReady }: System, logger: Logger): Api {
  const app = newApi()
  app.use(guard, correlated(logger), bodyLimit({ maxSize: maxBodyBytes, onError: tooLarge }))
  app.notFound(() => problem(404, 'There is nothing here.'))
  app.onError((error, context) => {
    if (error instanceof HTTPException) {
      if (error.res !== undefined) return error.res
      return problem(error.status, 'The request is malformed.', [{ field: '(body)', reason: 'is not JSON' }])
    }
    const isPassing = isEstafetError(error) && error.retry === 'later'
    logger.warn('a request failed', {
      error: isEstafetError(error) ? error.code : error.name,
      correlation_id: context.get('correlationId'),
    })
    return problem(isPassing ? 503 : 500, isPassing ? 'Not possible just now; try again.' : 'The request failed.')
  })
  const apis = [readingApi(orders), commandsApi(orders, logger), usersApi(users), catalogApi(catalog)]
  for (const api of apis) app.route('/', api)
  const health = z.object({ ready: z.boolean() })
  app.openapi(
    {
      method: 'get',
      path: '/health/ready',
      summary: 'Whether the read models are kept up to date just now.',
      responses: { 200: json(health, 'They are'), 503: json(health, 'They are not') },
    },
    (context) => {
      const ready = isReady()
      return context.json({ ready }, ready ? 200 : 503)
    },
  )
  app.doc31('/openapi.json', { openapi: '3.1.0', info: { title: 'Orders', version: '1' } })
  return app
}

/** Gives each request a correlation id, the caller's own if there is one, and the answer and the log line the same. */
function correlated(logger: Logger): MiddlewareHandler<Env> {
  return async (context, next) => {
    const asked = context.req.header('x-correlation-id')
    if (asked !== undefined && !/^[\w.:-]{1,100}$/.test(asked)) {
      const reason = 'must be 1 to 100 of A-Z a-z 0-9 _ . : -'
      return problem(422, 'The request has invalid fields; nothing was written.', [
        { field: 'x-correlation-id', reason },
      ])
    }
    const correlationId = asked ?? crypto.randomUUID()
    context.set('correlationId', correlationId)
    await next()
    context.header('x-correlation-id', correlationId)
    const { method, routePath } = context.req
    logger.info('request', { method, route: routePath, status: context.res.status, correlation_id: correlationId })
    return undefined
  }
}

function tooLarge(): Response {
  // The rest of the body stays unread, so the connection ends; a client that is not told would use it again.
  return problem(413, `The body exceeds ${maxBodyBytes} bytes.`, [], { headers: { connection: 'close' } })
}
