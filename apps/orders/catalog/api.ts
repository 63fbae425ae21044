import { createRoute, z } from '@hono/zod-openapi'
import type { PostgresStore } from 'estafet/postgres'
import { price } from '../orders/money.ts'
import { type Api, body, byId, contextOf, json, newApi, problems, text } from '../web/api.ts'
import { saveProduct } from './products.ts'

const product = z.strictObject({
  name: text.pipe(z.string().min(1).max(200)),
  description: text.pipe(z.string().max(2_000)).nullable().default(null),
  price: price.nullable(),
})
const saved = product.extend({ id: z.string() })

/** The HTTP interface of the catalog service: as much of it as orders need. */
export function catalogApi(store: PostgresStore): Api {
  const app = newApi()
  const route = createRoute({
    method: 'put',
    path: '/products/{id}',
    summary: 'Stores a product and publishes product.changed. Without a price it is not sold any more.',
    request: { params: byId, body: body(product) },
    responses: { 200: json(saved, 'As it is now'), 422: problems('Invalid; names the fields') },
  })
  app.openapi(route, async (context) => {
    const wanted = { ...context.req.valid('json'), id: context.req.valid('param').id }
    await saveProduct(store, wanted, contextOf(context))
    return context.json(wanted, 200)
  })
  return app
}
