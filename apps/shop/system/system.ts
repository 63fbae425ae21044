import { randomBytes } from 'node:crypto'
import type { Logger } from 'estafet'
import { type Supervisor, supervise } from 'estafet/supervisor'
import { type Broker, type BrokerKind, startBroker } from '../../../engines/application/broker.ts'
import type { BrokerAccess } from '../../../engines/application/broker-access.ts'
import { type PostgresServer, startPostgres } from '../../../engines/postgres/server.ts'
import type { Poison } from '../poison/poisoned.ts'
import { auditUrl, type DatabaseAccess, freshDatabases } from './databases.ts'
import type { ProcessSettings } from './service-process.ts'
import { type ServiceName, serviceNames } from './services.ts'

/** The shop, running: a database server and a process for each service. */
export interface System {
  readonly supervisor: Supervisor
  readonly server: PostgresServer
  readonly broker: Broker | null
  /** As the superuser of one service's database: for whoever audits from outside. */
  adminUrl(service: ServiceName): string
  /** Where a service's ops API is just now; it moves when the process is started again. */
  opsUrl(service: string): string
  readonly opsToken: string
  /** The file that ends a poisoning. */
  readonly mended: string
  stop(): Promise<void>
}

export interface SystemOptions {
  readonly logger: Logger
  readonly quiet: boolean
  readonly poison?: Poison
  /** Left out: no broker, services read each other's logs. */
  readonly broker?: BrokerKind
}

/** Starts the shop on a PostgreSQL in `home`, with databases that are new and empty. */
export async function startSystem(home: string, options: SystemOptions): Promise<System> {
  const opsToken = randomBytes(32).toString('base64url')
  const server = await startPostgres({
    home,
    restart: true,
    onExit: (restarting) => {
      if (restarting) options.logger.warn('PostgreSQL ended and is started again')
    },
  })
  let broker: Broker | null = null
  try {
    broker = options.broker === undefined ? null : await startBroker(options.broker)
    const access = await freshDatabases(server)
    const supervisor = supervise({
      logger: options.logger,
      processes: serviceNames.map((name) => ({
        name,
        module: new URL(`../${name}/main.ts`, import.meta.url),
        env: { SHOP_SERVICE: settings(access[name], options, opsToken, broker?.access ?? null) },
      })),
    })
    const stop = async (): Promise<void> => {
      await supervisor.stop()
      await Promise.all([server.stop(), broker?.stop()])
    }
    const opsUrl = (name: string): string => String(supervisor.announcements()[name]?.['ops'] ?? 'http://127.0.0.1:9')
    const adminUrl = (name: ServiceName): string => auditUrl(server, name)
    return { supervisor, server, broker, adminUrl, opsUrl, opsToken, mended: options.poison?.mended ?? '', stop }
  } catch (error) {
    await Promise.all([server.stop(), broker?.stop()])
    throw error
  }
}

function settings(
  access: DatabaseAccess,
  { quiet, poison }: SystemOptions,
  opsToken: string,
  broker: BrokerAccess | null,
): string {
  const told: ProcessSettings = {
    ...{ database: access.database, sources: { ...access.sources }, quiet, opsToken },
    poison: poison ?? null,
    broker,
  }
  return JSON.stringify(told)
}
