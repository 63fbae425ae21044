import { serve } from '@hono/node-server'
import { OpenAPIHono } from '@hono/zod-openapi'
import { type Logger, logger as makeLogger, type SagaService, type Service, start, startRelay } from 'estafet'
import { serveOps } from 'estafet/ops'
import { type PostgresStore, postgres, postgresLog, type Sql } from 'estafet/postgres'
import { supervised } from 'estafet/supervisor'
import type pg from 'pg'
import * as z from 'zod'
import { brokerAccess, connectBroker } from '../../../engines/application/broker-access.ts'
import { connect } from '../../../engines/application/database-server.ts'
import { addStandardRoutes } from '../../../engines/application/standard-routes.ts'
import { commands, events } from '../messages.ts'
import type { ServiceName } from './services.ts'

const summary = {
  says: "Trips by their state in this service's own tables.",
  of: 'state',
  row: z.object({ state: z.string(), trips: z.number() }),
  sql: 'SELECT state, trips FROM summary ORDER BY state',
}

/** What the composition root tells a service's process, as JSON in BOOKING_SERVICE. */
export const processSettings = z.object({
  database: z.url(),
  /** By name of the service whose log is read. */
  sources: z.record(z.string(), z.url()),
  quiet: z.boolean(),
  /** Null: services read each other's logs directly. */
  broker: brokerAccess.nullable(),
  /** For whoever sees and steers the services. */
  opsToken: z.string(),
})
export type ProcessSettings = z.infer<typeof processSettings>

/** What a service's process has of its own. */
export interface Own {
  readonly pool: pg.Pool
  readonly store: PostgresStore
  readonly logger: Logger
}

export interface ServiceParts {
  readonly service: Service<Sql>
  readonly routes?: OpenAPIHono
  /** Whose trips it leads through. */
  readonly leading?: SagaService<Sql>
}

/** Runs one service in this process: its subscriptions, its sagas, and HTTP on a free port of the loopback address. */
export async function runService(name: ServiceName, parts: (own: Own) => ServiceParts): Promise<void> {
  const settings = processSettings.parse(JSON.parse(process.env['BOOKING_SERVICE'] ?? '{}'))
  const logger = makeLogger({ service: name, level: settings.quiet ? 'error' : 'info' })
  const own = connect(settings.database, logger)
  const read = Object.entries(settings.sources).map(([source, url]) => ({ source, pool: connect(url, logger) }))
  const store = postgres(own, { idleInTransactionMs: 3_000 })
  const { service, routes: app = new OpenAPIHono(), leading } = parts({ pool: own, store, logger })
  const broker = settings.broker === null ? null : await connectBroker(settings.broker, name)
  const topics = [...new Set(service.handlers.map(({ topic }) => topic))]
  const reading = { logger, leaseMs: 3_000, backOff: { firstMs: 50, maxMs: 2_000 } }
  const starting = start(service, {
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
      : startRelay({ ...reading, store, sink: broker.sink, source: postgresLog(own, { source: name }) })
  const [running, relay, turning] = await Promise.all([starting, relaying, leading?.start()])
  const ops = await serveOps({
    ...{ service, running, store, logger, version: '1', events: shown },
    tokens: [{ name: 'booking', role: 'admin', token: settings.opsToken }],
  })
  addStandardRoutes(app, { title: `Trips: ${name}`, running, store, summary })
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
    supervised({ url: `http://127.0.0.1:${port}`, ops: new URL(ops.url).origin }, async () => {
      server.close()
      await ops.close()
      await Promise.all([running.stop(), relay?.stop(), turning?.stop()])
      await broker?.close()
      await Promise.all([own, ...read.map(({ pool }) => pool)].map((pool) => pool.end()))
    })
  })
}

/** What people may look at in dead letters and logs. */
const shown = [...events, ...commands.flatMap(({ request, cancel, reply }) => [request, cancel, reply])]
