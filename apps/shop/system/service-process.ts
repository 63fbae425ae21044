import { serve } from '@hono/node-server'
import { OpenAPIHono } from '@hono/zod-openapi'
import { type Logger, logger as makeLogger, type Service, start, startRelay } from 'estafet'
import { serveOps } from 'estafet/ops'
import { type PostgresStore, postgres, postgresLog, type Sql } from 'estafet/postgres'
import { supervised } from 'estafet/supervisor'
import * as z from 'zod'
import { brokerAccess, connectBroker } from '../../../engines/application/broker-access.ts'
import { connect } from '../../../engines/application/database-server.ts'
import { addStandardRoutes } from '../../../engines/application/standard-routes.ts'
import { followUps, orderEvents } from '../messages.ts'
import { poison, poisoned } from '../poison/poisoned.ts'

const summary = {
  says: "Invoices, lines and value by country, from this service's own tables.",
  of: 'country',
  row: z.object({ country: z.string(), invoices: z.number(), lines: z.number(), total: z.string() }),
  sql: 'SELECT country, invoices, lines, total::text FROM summary ORDER BY summary.total DESC, summary.country',
}

/** What the composition root tells a service's process, as JSON in SHOP_SERVICE. */
export const processSettings = z.object({
  database: z.url(),
  /** By name of the service whose log is read. */
  sources: z.record(z.string(), z.url()),
  quiet: z.boolean(),
  poison: poison.nullable(),
  /** Null: services read each other's logs directly. */
  broker: brokerAccess.nullable(),
  /** For whoever sees and steers the services. */
  opsToken: z.string(),
})
export type ProcessSettings = z.infer<typeof processSettings>

/** Runs one service in this process: its subscriptions, and HTTP on a free port of the loopback address. */
export async function runService(
  service: Service<Sql>,
  routes: (store: PostgresStore, logger: Logger) => OpenAPIHono = () => new OpenAPIHono(),
): Promise<void> {
  const settings = processSettings.parse(JSON.parse(process.env['SHOP_SERVICE'] ?? '{}'))
  const level = settings.quiet ? 'error' : 'info'
  const logger = makeLogger({
    service: service.name,
    level,
    ...(settings.poison === null ? {} : { write: unlessDead }),
  })
  const own = connect(settings.database, logger)
  const read = Object.entries(settings.sources).map(([source, url]) => ({ source, pool: connect(url, logger) }))
  const store = postgres(own, { idleInTransactionMs: 3_000 })
  const broker = settings.broker === null ? null : await connectBroker(settings.broker, service.name)
  const topics = [...new Set(service.handlers.map(({ topic }) => topic))]
  const reading = { logger, leaseMs: 3_000, backOff: { firstMs: 50, maxMs: 2_000 } }
  const starting = start(settings.poison === null ? service : poisoned(service, settings.poison), {
    ...{ store, ...reading },
    sources:
      broker === null
        ? read.map(({ source, pool }) => postgresLog(pool, { source }))
        : topics.map((topic) => broker.topic(topic)),
  })
  // The log is the service's own: nobody else need reach its database, and nothing is lost while the broker is down.
  const relaying =
    broker === null
      ? Promise.resolve(null)
      : startRelay({ ...reading, store, sink: broker.sink, source: postgresLog(own, { source: service.name }) })
  const [running, relay] = await Promise.all([starting, relaying])
  const ops = await serveOps({
    ...{ service, running, store, logger, version: '1', events: [...orderEvents, ...followUps] },
    tokens: [{ name: 'shop', role: 'admin', token: settings.opsToken }],
  })
  const app = routes(store, logger)
  addStandardRoutes(app, { title: `Shop: ${service.name}`, running, store, summary })
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
    supervised({ url: `http://127.0.0.1:${port}`, ops: new URL(ops.url).origin }, async () => {
      server.close()
      await ops.close()
      await Promise.all([running.stop(), relay?.stop()])
      await broker?.close()
      await Promise.all([own, ...read.map(({ pool }) => pool)].map((pool) => pool.end()))
    })
  })
}

/** Leaves out the lines about dead letters: of those that are made on purpose there is a list in the end. */
function unlessDead(line: string): void {
  if (!line.includes('a message is a dead letter')) process.stderr.write(`${line}\n`)
}
