import { randomUUID } from 'node:crypto'
import * as library from '@platformatic/kafka'
import type { ValueCodec } from 'estafet'
import { kafkaCluster, kafkaSink, kafkaTopic } from 'estafet/kafka'
import { kafkaInstallation } from '../../../engines/kafka/installation.ts'
import { temporaryKafka } from '../../../engines/kafka/server.ts'
import { codec } from '../analytics/codec.ts'
import { taskEventsTopic } from '../analytics/messages.ts'
import type { Broker } from './broker.ts'
import type { Settings } from './settings.ts'

const partitions = 3

/** The Kafka of KAFKA_BROKERS, else the one that is installed here, for this run. Null where there is neither. */
export async function kafkaBroker(settings: Settings): Promise<Broker | null> {
  const { KAFKA_BROKERS: brokers, KAFKA_REPLICAS: replicas } = settings
  if (brokers.length > 0) return connected(brokers, { says: `Kafka at ${brokers.join(', ')}`, name: 'kafka', replicas })
  const installation = kafkaInstallation()
  if (installation === null) return null
  const kafka = await temporaryKafka({ installation })
  const says = `${installation.name}, of this run only, at ${kafka.bootstrap}`
  // A new name, because it is a new Kafka: its relay begins at the beginning of the log.
  const broker = connected([kafka.bootstrap], { says, name: `kafka-${randomUUID()}`, replicas: 1 })
  return { ...broker, stop: () => broker.stop().then(() => kafka.stop()) }
}

function connected(
  bootstrapBrokers: readonly string[],
  { says, name, replicas }: { readonly says: string; readonly name: string; readonly replicas: number },
): Broker {
  const cluster = kafkaCluster(library, { bootstrapBrokers, clientId: 'estafet-tasks' })
  const allow = replicas === 1 ? (['one-replica'] as const) : []
  const codecs: Readonly<Record<string, ValueCodec>> = { [taskEventsTopic]: codec }
  return {
    kind: 'kafka',
    says,
    sink: () => kafkaSink(cluster, { name, partitions, replicas, allow, codecs }),
    topic: (topic, service, group = service) => {
      const form = codecs[topic]
      if (form === undefined) return kafkaTopic(cluster, topic, { group, allow })
      // From the earliest offset: what a broker has deleted by its age is not missed there.
      return kafkaTopic(cluster, topic, { group, allow, codec: form, deleted: 'skip' })
    },
    stop: () => cluster.close(),
  }
}
