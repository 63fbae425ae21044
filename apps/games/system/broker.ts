import { randomUUID } from 'node:crypto'
import * as library from '@platformatic/kafka'
import type { FeedSource, Logger, Sink } from 'estafet'
import { kafkaCluster, kafkaSink, kafkaTopic } from 'estafet/kafka'
import { postgresSink, postgresTopic } from 'estafet/postgres'
import { addressOf, connect, type DatabaseServer } from '../../../engines/application/database-server.ts'
import { howToGetKafka, kafkaInstallation } from '../../../engines/kafka/installation.ts'
import { temporaryKafka } from '../../../engines/kafka/server.ts'
import { GameFinished } from '../messages.ts'
import type { Settings } from './settings.ts'

/** Where the relay puts messages, and where consumers find them. */
export interface Broker {
  /** For people: which one it is, and why. */
  readonly says: string
  readonly sink: Sink
  /** The topic, for one reader; each asks for its own. `group` is what Kafka's tools will show. */
  topic(group?: string): FeedSource
  stop(): Promise<void>
}

const partitions = 3

/** Kafka: the one of KAFKA_BROKERS, else one that is installed here. PostgreSQL where there is neither. */
export async function openBroker(settings: Settings, server: DatabaseServer, logger: Logger): Promise<Broker> {
  if (settings.BROKER === 'postgres') return postgresBroker(server, logger, 'BROKER=postgres')
  if (settings.KAFKA_BROKERS.length > 0) {
    const says = `Kafka at ${settings.KAFKA_BROKERS.join(', ')}`
    return kafkaBroker(settings.KAFKA_BROKERS, { says, name: 'kafka', replicas: settings.KAFKA_REPLICAS })
  }
  const installation = kafkaInstallation()
  if (installation === null) return postgresBroker(server, logger, `no Kafka here; get it by: ${howToGetKafka}`)
  const kafka = await temporaryKafka({ installation })
  const says = `${installation.name}, of this run only, at ${kafka.bootstrap}`
  // A new name, because it is a new Kafka: its relay begins at the beginning of the log.
  const broker = kafkaBroker([kafka.bootstrap], { says, name: `kafka-${randomUUID()}`, replicas: 1 })
  return { ...broker, stop: () => broker.stop().then(() => kafka.stop()) }
}

function kafkaBroker(
  bootstrapBrokers: readonly string[],
  { says, name, replicas }: { readonly says: string; readonly name: string; readonly replicas: number },
): Broker {
  const cluster = kafkaCluster(library, { bootstrapBrokers, clientId: 'estafet-games' })
  const allow = replicas === 1 ? (['one-replica'] as const) : []
  return {
    says,
    sink: kafkaSink(cluster, { name, partitions, replicas, allow }),
    topic: (group) => kafkaTopic(cluster, GameFinished.topic, { allow, ...(group === undefined ? {} : { group }) }),
    stop: () => cluster.close(),
  }
}

function postgresBroker(server: DatabaseServer, logger: Logger, why: string): Broker {
  const writer = connect(addressOf(server, 'broker', 'games'), logger)
  const reader = connect(addressOf(server, 'broker', 'scoreboard'), logger)
  return {
    says: `PostgreSQL (${why})`,
    sink: postgresSink(writer, { name: 'postgres', partitions }),
    topic: () => postgresTopic(reader, GameFinished.topic),
    stop: () => Promise.all([writer.end(), reader.end()]).then(() => {}),
  }
}
