import type { Logger } from 'estafet'
import { type Supervisor, supervise } from 'estafet/supervisor'
import { type PostgresServer, startPostgres } from '../../../engines/postgres/server.ts'
import { auditUrl, type DatabaseAccess, freshDatabases } from './databases.ts'
import type { ProcessSettings } from './service-process.ts'
import { type ServiceName, serviceNames } from './services.ts'

/** The shop, running: a database server and a process for each service. */
export interface System {
  readonly supervisor: Supervisor
  readonly server: PostgresServer
  /** As the superuser of one service's database: for whoever audits from outside. */
  adminUrl(service: ServiceName): string
  stop(): Promise<void>
}

/** Starts the shop on a PostgreSQL in `home`, with databases that are new and empty. */
export async function startSystem(
  home: string,
  options: { readonly logger: Logger; readonly quiet: boolean },
): Promise<System> {
  const server = await startPostgres({
    home,
    restart: true,
    onExit: (restarting) => {
      if (restarting) options.logger.warn('PostgreSQL ended and is started again')
    },
  })
  try {
    const access = await freshDatabases(server)
    const supervisor = supervise({
      logger: options.logger,
      processes: serviceNames.map((name) => ({
        name,
        module: new URL(`../${name}/main.ts`, import.meta.url),
        env: { SHOP_SERVICE: settings(access[name], options.quiet) },
      })),
    })
    const stop = async (): Promise<void> => {
      await supervisor.stop()
      await server.stop()
    }
    return { supervisor, server, adminUrl: (name) => auditUrl(server, name), stop }
  } catch (error) {
    await server.stop()
    throw error
  }
}

function settings(access: DatabaseAccess, quiet: boolean): string {
  const told: ProcessSettings = { database: access.database, sources: { ...access.sources }, quiet }
  return JSON.stringify(told)
}
