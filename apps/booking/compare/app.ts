import { isEstafetError, type Logger } from 'estafet'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { streamSSE } from 'hono/streaming'
import * as z from 'zod'
import { guard } from '../../../engines/application/guard.ts'
import { live } from '../../../engines/application/live.ts'
import { addPage } from '../../../engines/application/page.ts'
import { problem } from '../../../engines/application/problem.ts'
import type { Pairs } from './pairs.ts'
import { scenarios } from './scenarios.ts'

const wanted = z.strictObject({ scenario: z.enum(scenarios.map(({ name }) => name)) })

/** The page on which both forms of a trip are seen side by side, and what it asks for. */
export function compareApp(pairs: Pairs, broker: string, logger: Logger): Hono {
  const app = new Hono()
  app.use(guard, bodyLimit({ maxSize: 10_000, onError: () => problem(413, 'The body exceeds 10000 bytes.') }))
  app.notFound(() => problem(404, 'There is nothing here.'))
  app.onError((error) => {
    logger.warn('a request could not be served now', { error: isEstafetError(error) ? error.code : error.name })
    return problem(503, 'Not possible just now; try again.')
  })
  app.post('/api/pairs', async (context) => {
    const read = wanted.safeParse(await context.req.json().catch(() => null))
    const scenario = scenarios.find(({ name }) => name === read.data?.scenario)
    if (scenario === undefined) {
      const reason = `must be one of ${scenarios.map(({ name }) => name).join(', ')}`
      return problem(422, 'The request has invalid fields; nothing was asked for.', [{ field: 'scenario', reason }])
    }
    return context.json({ number: await pairs.begin(scenario) }, 201)
  })
  const buttons = scenarios.map(({ name, title, says }) => ({ name, title, says }))
  const view = live(async () => ({ broker, scenarios: buttons, pairs: await pairs.seen() }), 100)
  app.get('/api/live', (context) =>
    streamSSE(context, (stream) => {
      const left = new AbortController()
      stream.onAbort(() => left.abort())
      return view.watch(left.signal, (data) => stream.writeSSE({ data }))
    }),
  )
  addPage(app, new URL('page/', import.meta.url))
  return app
}
