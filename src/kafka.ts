import type { KafkaCluster } from './drivers/kafka/cluster.ts'
import { type KafkaTopicOptions, kafkaTopicFeed } from './drivers/kafka/feed.ts'
import { kafkaWakeUp } from './drivers/kafka/wake-up.ts'
import type { FeedSource } from './runtime/start.ts'

export type { KafkaLibrary, KafkaSecurity } from './drivers/kafka/client.ts'
export {
  type KafkaCluster,
  type KafkaClusterOptions,
  type KafkaCompression,
  kafkaCluster,
} from './drivers/kafka/cluster.ts'
export type { KafkaTopicOptions } from './drivers/kafka/feed.ts'
export { type KafkaSink, type KafkaSinkOptions, kafkaSink } from './drivers/kafka/sink.ts'
export type { KafkaRisk } from './drivers/kafka/topic-settings.ts'

/** A topic of a Kafka cluster, to subscribe to. The cluster stays open when the subscription stops. */
export function kafkaTopic(cluster: KafkaCluster, topic: string, options: KafkaTopicOptions = {}): FeedSource {
  const feed = kafkaTopicFeed(cluster, topic, options)
  return { feed, wakeUp: () => kafkaWakeUp(cluster, feed) }
}
