import * as library from '@platformatic/kafka'
import type { BrokerDriver, WakeUpDriver } from 'estafet/contract'
import { type KafkaCluster, kafkaCluster, kafkaSink, kafkaTopic } from 'estafet/kafka'
import type { KafkaServer } from '../../engines/kafka/server.ts'
import { brokerWakeUpDriver } from './broker-wake-ups.ts'

export interface KafkaConfiguration {
  readonly says: string
  readonly partitions: number
  readonly requestBytes?: number
  readonly compression?: 'gzip' | 'lz4'
}

/** One broker with one copy of everything: what a test has. */
export const singleNode = { replicas: 1, allow: ['one-replica'] } as const

let prefixes = 0

/** A cluster on which this test has the topics to itself. */
export function freshCluster(server: KafkaServer): KafkaCluster {
  return kafkaCluster(library, {
    bootstrapBrokers: [server.bootstrap],
    topicPrefix: `t${process.pid}-${prefixes++}.`,
  })
}

export function kafkaBrokerDriver(
  cluster: KafkaCluster,
  { partitions, requestBytes, compression }: KafkaConfiguration,
): BrokerDriver {
  const sending = compression === undefined ? {} : { compression }
  const reading = requestBytes === undefined ? {} : { requestBytes }
  return {
    sink: kafkaSink(cluster, { name: 'kafka', partitions, ...singleNode, ...sending }),
    feed: (topic) => kafkaTopic(cluster, topic, { allow: singleNode.allow, ...reading }).feed,
  }
}

export function kafkaWakeUpDriver(cluster: KafkaCluster, { partitions }: KafkaConfiguration): Promise<WakeUpDriver> {
  const sink = kafkaSink(cluster, { name: 'kafka', partitions, ...singleNode })
  return brokerWakeUpDriver(sink, () => kafkaTopic(cluster, 'sample', { allow: singleNode.allow }))
}
