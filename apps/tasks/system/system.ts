import { randomBytes } from 'node:crypto'
import { type Logger, withFields } from 'estafet'
import type { DatabaseServer } from '../../../engines/application/database-server.ts'
import { adminApi } from '../admin/api.ts'
import { startMonitor } from '../admin/metrics.ts'
import { analyticsApi } from '../analytics/api.ts'
import { analyticsFile, migrateAnalytics } from '../analytics/file.ts'
import { taskEventsTopic } from '../analytics/messages.ts'
import { analyticsGroup, type RunningAnalytics, runAnalytics } from '../analytics/running.ts'
import { callerNow } from '../auth/accounts.ts'
import { authApi } from '../auth/api.ts'
import { auth } from '../auth/auth.ts'
import { type FirstAdmin, makeFirstAdmin } from '../auth/first-admin.ts'
import { notificationEvents, taskEvents, userEvents } from '../messages.ts'
import { notificationsApi } from '../notifications/api.ts'
import { channelOf } from '../notifications/channel.ts'
import { startDelivery } from '../notifications/delivery.ts'
import { notifications } from '../notifications/notifications.ts'
import { tasksApi } from '../tasks/api.ts'
import { tasks } from '../tasks/tasks.ts'
import type { Api, Now } from '../web/api.ts'
import { webApp } from '../web/app.ts'
import { secretIn, tokensOf } from '../web/tokens.ts'
import { type Brokers, openBrokers } from './brokers.ts'
import { migrateAll } from './databases.ts'
import { openServer } from './open-server.ts'
import { type RunningService, runService } from './running-service.ts'
import type { Settings } from './settings.ts'

/** Everything that runs, in this process; each part was given its own database and no other. */
export interface System {
  readonly server: DatabaseServer
  readonly brokers: Brokers
  readonly auth: RunningService
  readonly tasks: RunningService
  readonly notifications: RunningService
  readonly analytics: RunningAnalytics
  /** The HTTP interface of all of them. */
  readonly app: Api
  /** Of the ops APIs, for the command line. */
  readonly opsToken: string
  /** Null when there was one already. */
  readonly firstAdmin: FirstAdmin | null
  isReady(): boolean
  stop(): Promise<void>
}

/** Starts all of it, migrations first. */
export async function startSystem(settings: Settings, logger: Logger): Promise<System> {
  const closers: (() => Promise<unknown>)[] = []
  const closing = <Part extends { stop(): Promise<unknown> }>(part: Part): Part => {
    closers.push(() => part.stop())
    return part
  }
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    const server = closing(await openServer(settings))
    await migrateAll(server)
    await migrateAnalytics(settings.TASKS_HOME)
    const brokers = closing(await openBrokers(settings, server, logger))
    const tokens = tokensOf(secretIn(settings.TASKS_HOME))
    const opsToken = randomBytes(32).toString('base64url')
    const events = [...userEvents, ...taskEvents, ...notificationEvents]
    const run = async (service: typeof auth): Promise<RunningService> => {
      const own = withFields(logger, { service: service.name })
      return closing(await runService(service, { server, brokers, logger: own, events, opsToken }))
    }
    const services = { auth: await run(auth), tasks: await run(tasks), notifications: await run(notifications) }
    const log = (service: string): Logger => withFields(logger, { service })
    const taskEventsSource = brokers.analytics.topic(taskEventsTopic, 'analytics', analyticsGroup)
    const file = analyticsFile(settings.TASKS_HOME)
    const analytics = closing(await runAnalytics(file, taskEventsSource, log('analytics')))
    closing(startDelivery(services.notifications.store, channelOf(settings), { logger: log('notifications') }))
    const isReady = (): boolean =>
      [...Object.values(services), analytics].every((service) => service.health().every(({ ready }) => ready))
    const { DLQ_ALERT_GROWTH: growth, DLQ_ALERT_SECONDS: windowSeconds } = settings
    const subjects = Object.values(services).map(({ subject }) => subject)
    const watched = [...subjects, analytics.watched]
    const monitor = closing(startMonitor({ watched, logger, growth, windowSeconds }))
    const now: Now = (issuedTo) => callerNow(services.auth.store, issuedTo)
    const apis = [
      adminApi({ subjects, monitor, tokens, now }),
      authApi(services.auth.store, { tokens, now, signInsPerMinute: settings.SIGN_INS_PER_MINUTE }),
      tasksApi(services.tasks.store, { tokens, now, logger: log('tasks') }),
      notificationsApi(services.notifications.store, tokens, now),
      analyticsApi(analytics.store, tokens, now),
    ]
    const app = webApp(apis, { isReady, logger })
    const firstAdmin = await makeFirstAdmin(services.auth.store, settings)
    return { server, brokers, ...services, analytics, app, opsToken, firstAdmin, isReady, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
