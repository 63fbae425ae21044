import { request as httpRequest } from 'node:http'
import { event, type Feed, type Logger, type Running, service } from 'estafet'
import { type OpsToken, type Role, roles, type ServedOps, serveOps } from 'estafet/ops'
import { on, postgresLog, projections, type Sql } from 'estafet/postgres'
import * as z from 'zod'
import { postgresEventStore } from '../../src/drivers/postgres/event-store.ts'
import { logFeed } from '../../src/outbox/log-feed.ts'
import { Cart, Note } from './cart.ts'
import { Carts } from './carts.ts'
import { type ParkedWorld, subscription } from './parked-world.ts'

const schema = z.object({ id: z.string(), total: z.number(), customer: z.object({ email: z.string() }).optional() })
export const Placed = event('order.placed', { version: 1, schema, key: ({ id }) => id, mask: ['customer.email'] })
export const Paid = event('invoice.paid', {
  ...{ version: 1, key: ({ id }: { id: string }) => id, mask: ['card'] },
  schema: z.object({ id: z.string(), card: z.string().optional() }),
})
export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

export const tokens: readonly OpsToken[] = roles.map((role) => ({
  name: role,
  role,
  token: `${role}-${'t'.repeat(30)}`,
}))

export function tokenOf(role: Role): string {
  return tokens.find((each) => each.role === role)?.token ?? ''
}

/** A service with a handler that writes and publishes, and with a log of its own to read: the ops API in front of it. */
export async function served(world: ParkedWorld): Promise<ServedOps & { readonly feed: Feed }> {
  const billing = service<Sql>(subscription, {
    lanes: 2,
    publishes: [Paid],
    handlers: [
      on(Placed, async ({ data }, { tx, publish }) => {
        await tx.query('INSERT INTO invoice VALUES ($1, $2)', [data.id, data.total])
        publish(Paid({ id: data.id, card: 'card-of-ada' }))
      }),
    ],
  })
  // What it reads in this test is its own log: as good as another service's.
  const feed = logFeed(postgresLog(world.pool, { source: 'orders' }).log, { lanes: 2 })
  const running: Running = {
    ...{ subscription, feeds: [feed], parked: () => ({}), stop: async () => {} },
    health: () => ({ live: true, ready: true, stalled: [], paused: [] }),
    counters: () => ({ applied: 0, duplicates: 0, retried: 0, parked: 0 }),
  }
  const store = { ...world.store, operations: world.operations }
  const much = { perSecond: 1e6, burst: 1e6 }
  const api = await serveOps({
    service: billing,
    running,
    store,
    tokens,
    events: [Placed],
    streams: {
      events: postgresEventStore(world.pool, { source: subscription }),
      deciders: [Cart, Note],
      mostEvents: 3000,
    },
    projections: { people: projections(world.pool), definitions: [Carts] },
    version: '1.2.3',
    logger: silent,
    rate: much,
    guesses: much,
  })
  return { ...api, feed }
}

export interface Asked {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  readonly body: unknown
}

export interface Asking {
  readonly token?: string | null
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks as anybody could who reaches the port: also with headers that a browser or fetch would not send. */
export function ask(url: string, method: string, path: string, how: Asking = {}): Promise<Asked> {
  const { token = tokenOf('admin'), body, headers = {} } = how
  const content = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(`${url}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(content === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) }),
        ...headers,
      },
    })
    outgoing.once('error', reject)
    outgoing.once('response', (incoming) => {
      const parts: Buffer[] = []
      incoming.on('data', (part: Buffer) => parts.push(part))
      incoming.once('error', reject)
      incoming.once('end', () => {
        const text = Buffer.concat(parts).toString('utf8')
        const isJson = incoming.headers['content-type'] === 'application/json'
        const parsed: unknown = isJson ? JSON.parse(text) : null
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, body: parsed })
      })
    })
    outgoing.end(content)
  })
}
