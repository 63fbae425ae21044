import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Logger } from 'estafet'
import * as z from 'zod'
import { type Served, serve } from '../../../engines/application/serve.ts'
import { readModels } from '../orders/read-models.ts'
import type { Settings } from '../system/settings.ts'
import { type System, startSystem } from '../system/system.ts'
import { webApp } from '../web/app.ts'

export interface Step {
  readonly says: string
  /** Resolves to what was seen; rejects with what was not. */
  readonly holds: () => Promise<string>
}

const order = z.object({ id: z.string(), version: z.number(), status: z.string(), total_amount: z.string() })
const statistics = z.object({ total_orders: z.number(), confirmed_orders: z.number(), total_revenue: z.string() })

/** The life of an order through HTTP, step by step; call `end` whatever happened. */
export function steps(settings: Settings, logger: Logger): { readonly steps: readonly Step[]; end(): Promise<void> } {
  const key = { 'idempotency-key': randomUUID() }
  let system: System
  let web: Served
  let id: string
  let position: string

  async function call(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    const answer = await fetch(new URL(path, web.url), {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    const read: unknown = text === '' ? null : JSON.parse(text)
    return { status: answer.status, headers: answer.headers, body: read }
  }
  const item = (product_id: string, quantity: number, price: string) => ({ product_id, quantity, price })

  return {
    async end() {
      await web?.close()
      await system?.stop()
    },
    steps: [
      {
        says: 'engines up',
        async holds() {
          system = await startSystem(settings, logger)
          web = await serve(webApp(system, logger), 0)
          return system.server.says
        },
      },
      {
        says: 'order created',
        async holds() {
          const created = await call('POST', '/orders', { country: 'FR' }, key)
          assert.equal(created.status, 201)
          id = order.parse(created.body).id
          const again = await call('POST', '/orders', { country: 'FR' }, key)
          assert.deepEqual([again.status, order.parse(again.body).id], [200, id])
          return 'once, although it was asked for twice under one key'
        },
      },
      {
        says: 'empty order refused',
        async holds() {
          assert.equal((await call('POST', `/orders/${id}/confirm`)).status, 409)
          return 'it cannot be confirmed'
        },
      },
      {
        says: 'items added',
        async holds() {
          await call('POST', `/orders/${id}/items`, item('p-1', 2, '50.0'), { 'if-match': '"1"' })
          const added = await call('POST', `/orders/${id}/items`, item('p-2', 1, '30.0'))
          assert.equal(order.parse(added.body).version, 3)
          return 'two at 50.0 and one at 30.0'
        },
      },
      {
        says: 'stale version refused',
        async holds() {
          const stale = await call('POST', `/orders/${id}/confirm`, undefined, { 'if-match': '"2"' })
          assert.deepEqual([stale.status, stale.headers.get('etag')], [412, '"3"'])
          return 'with 412 and the actual one'
        },
      },
      {
        says: 'order confirmed',
        async holds() {
          const confirmed = await call('POST', `/orders/${id}/confirm`, undefined, { 'if-match': '"3"' })
          const { status, total_amount } = order.parse(confirmed.body)
          assert.deepEqual([status, total_amount], ['CONFIRMED', '130.0'])
          position = confirmed.headers.get('estafet-position') ?? ''
          return `${status}, ${total_amount}`
        },
      },
      {
        says: 'confirmed order refused',
        async holds() {
          assert.equal((await call('POST', `/orders/${id}/confirm`)).status, 409)
          assert.equal((await call('POST', `/orders/${id}/items`, item('p-3', 1, '1'))).status, 409)
          return 'it is confirmed once and takes no more items'
        },
      },
      {
        says: 'past shown',
        async holds() {
          const then = order.parse((await call('GET', `/orders/${id}?version=2`)).body)
          assert.deepEqual([then.status, then.total_amount], ['CREATED', '100.0'])
          return `at version 2: ${then.status}, ${then.total_amount}`
        },
      },
      {
        says: 'own writes read',
        async holds() {
          const read = await call('GET', '/orders/statistics', undefined, { 'estafet-position': position })
          const found = statistics.parse(read.body)
          assert.ok(found.confirmed_orders >= 1)
          return `${found.total_orders} order(s), ${found.confirmed_orders} confirmed, ${found.total_revenue} in all`
        },
      },
      {
        says: 'read models right',
        async holds() {
          // The join also follows messages of others, for which there is nothing to fold again here.
          const checked = readModels.filter(({ name }) => name !== 'order-details')
          for (const model of checked) {
            assert.equal((await system.orders.people.verify(model)).isEqual, true, model.name)
          }
          return `${checked.map(({ name }) => name).join(', ')}: folded again, and compared row by row`
        },
      },
    ],
  }
}
