import type { Logger } from 'estafet'
import { recent, type Sample, trendOf } from './growth.ts'
import type { TopicLag, Watched } from './subject.ts'

export interface ServiceMetrics {
  readonly service: string
  readonly ready: boolean
  readonly processed: number
  readonly processed_per_second: number
  readonly duplicates: number
  readonly failed_attempts: number
  readonly lag: readonly TopicLag[]
  /** Messages of its log that are not out yet, by sink. */
  readonly unsent: Readonly<Record<string, number | null>>
  readonly dead_letters: number
  readonly dead_letters_growth: number
}

export interface Alert {
  readonly alert: 'dlq_growing'
  readonly service: string
  readonly says: string
}

export interface Metrics {
  readonly at: string
  readonly services: readonly ServiceMetrics[]
  readonly alerts: readonly Alert[]
}

export interface Monitor {
  metrics(): Promise<Metrics>
  stop(): Promise<void>
}

export interface MonitorOptions {
  readonly watched: readonly Watched[]
  readonly logger: Logger
  /** What growth of the dead letters within what time is an alert. */
  readonly growth: number
  readonly windowSeconds: number
}

const everyMs = 2_000

/** Watches the services, so that rates and growth can be told; says in the log when an alert begins and ends. */
export function startMonitor({ watched, logger, growth, windowSeconds }: MonitorOptions): Monitor {
  const samples = new Map<string, readonly Sample[]>()
  const alerting = new Set<string>()
  const windowMs = windowSeconds * 1000

  async function sample({ name, running, deadLetters }: Watched): Promise<Sample> {
    const dead = await deadLetters()
    const now = { atMs: Date.now(), processed: running.counters().applied, dead }
    const all = [...recent(samples.get(name) ?? [], now.atMs, windowMs), now]
    samples.set(name, all)
    note(name, trendOf(all, windowMs).growth)
    return now
  }

  function note(service: string, grown: number): void {
    const isGrowing = grown >= growth
    if (isGrowing === alerting.has(service)) return
    if (isGrowing) alerting.add(service)
    else alerting.delete(service)
    const fields = { subject: service, growth: grown, seconds: windowSeconds }
    if (isGrowing) logger.warn('dead letters grow', fields)
    else logger.info('dead letters no longer grow', fields)
  }

  const look = (): Promise<unknown> => Promise.allSettled(watched.map(sample))
  let looking = look()
  const timer = setInterval(() => {
    looking = look()
  }, everyMs)

  return {
    async metrics() {
      const services = await Promise.all(
        watched.map(async (subject) => {
          const now = await sample(subject)
          const trend = trendOf(samples.get(subject.name) ?? [], windowMs)
          const { duplicates, retried } = subject.running.counters()
          return {
            ...{ service: subject.name, ready: subject.running.health().ready, processed: now.processed },
            processed_per_second: Math.round(trend.processedPerSecond * 1000) / 1000,
            ...{ duplicates, failed_attempts: retried, lag: await subject.lag(), unsent: await subject.unsent() },
            ...{ dead_letters: now.dead, dead_letters_growth: trend.growth },
          }
        }),
      )
      const alerts = services
        .filter(({ dead_letters_growth }) => dead_letters_growth >= growth)
        .map(({ service, dead_letters_growth: by }) => {
          const says = `the dead letters of ${service} grew by ${by} within ${windowSeconds} s`
          return { alert: 'dlq_growing' as const, service, says }
        })
      return { at: new Date().toISOString(), services, alerts }
    },
    async stop() {
      clearInterval(timer)
      await looking
    },
  }
}
