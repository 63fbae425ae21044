import { isEstafetError, type Logger } from 'estafet'
import type { DatabaseServer } from '../../../engines/application/database-server.ts'
import { UnusableSettings } from '../../../engines/application/settings.ts'
import { howToGetKafka } from '../../../engines/kafka/installation.ts'
import { howToGetRedis } from '../../../engines/redis/binaries.ts'
import { taskEventsTopic } from '../analytics/messages.ts'
import { eventTopics } from '../messages.ts'
import { type Broker, postgresBroker } from './broker.ts'
import { kafkaBroker } from './kafka-broker.ts'
import { redisBroker } from './redis-broker.ts'
import type { Settings } from './settings.ts'

/** What carries the messages of the system. */
export interface Brokers {
  /** Between the services. */
  readonly events: Broker
  /** To analytics. */
  readonly analytics: Broker
  stop(): Promise<void>
}

/**
 * Opens the brokers that the settings ask for. One that was asked for by name and is not there ends the start; where
 * nothing was asked for, PostgreSQL takes the place of what is not there.
 */
export async function openBrokers(settings: Settings, server: DatabaseServer, logger: Logger): Promise<Brokers> {
  const opened: Promise<Broker | null>[] = []
  const once = (open: () => Promise<Broker | null>) => {
    let broker: Promise<Broker | null> | null = null
    return () => {
      if (broker !== null) return broker
      broker = open()
      opened.push(broker)
      return broker
    }
  }
  const engines = { redis: once(() => redisBroker(settings)), kafka: once(() => kafkaBroker(settings)) }
  const whyNot = { redis: `no Redis here; ${howToGetRedis}`, kafka: `no Kafka here; get it by: ${howToGetKafka}` }

  const open = async (variable: 'EVENTS_BROKER' | 'ANALYTICS_BROKER', usual: 'redis' | 'kafka'): Promise<Broker> => {
    const asked = settings[variable]
    const inPlace = (why: string): Promise<Broker> => {
      const broker = Promise.resolve(postgresBroker(server, logger, why))
      opened.push(broker)
      return broker
    }
    if (asked === 'postgres') return inPlace(`${variable}=postgres`)
    const kind = asked ?? usual
    const broker = await engines[kind]()
    if (broker !== null) return broker
    if (asked !== undefined) throw new UnusableSettings(`${variable}: ${whyNot[kind]}.`)
    return inPlace(whyNot[kind])
  }
  const stop = async (): Promise<void> => {
    const outcomes = await Promise.allSettled(opened)
    await Promise.all(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value?.stop() : undefined)))
  }
  try {
    const [events, analytics] = await Promise.all([open('EVENTS_BROKER', 'redis'), open('ANALYTICS_BROKER', 'kafka')])
    await Promise.all([makeTopics(events, eventTopics), makeTopics(analytics, [taskEventsTopic])])
    return { events, analytics, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Else the first event would wait until its readers look again. A broker that is not there yet is left to the relays. */
async function makeTopics(broker: Broker, topics: readonly string[]): Promise<void> {
  const sink = broker.sink('tasks')
  try {
    await Promise.all(topics.map((topic) => sink.partitions(topic)))
  } catch (error) {
    if (isEstafetError(error, 'MISCONFIGURED')) {
      throw new UnusableSettings(`${error.message} See KAFKA_REPLICAS and REDIS_ALLOW.`)
    }
    if (!isEstafetError(error, 'UNAVAILABLE')) throw error
  }
}
