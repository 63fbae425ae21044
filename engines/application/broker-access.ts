import * as kafkaLibrary from '@platformatic/kafka'
import { createClient } from '@redis/client'
import type { FeedSource, Sink } from 'estafet'
import { kafkaCluster, kafkaSink, kafkaTopic } from 'estafet/kafka'
import { redisSink, redisTopic } from 'estafet/redis'
import * as z from 'zod'

/** How a service's process reaches the broker. */
export const brokerAccess = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('kafka'), bootstrap: z.string() }),
  z.object({ kind: z.literal('redis'), url: z.string() }),
])
export type BrokerAccess = z.infer<typeof brokerAccess>

/** The broker as a service's process uses it. */
export interface BrokerConnection {
  readonly sink: Sink
  topic(name: string): FeedSource
  close(): Promise<void>
}

/** One broker alone keeps one copy of everything: enough for one machine, and said to be so. */
const single = { allow: ['one-replica'] } as const

/** Connects a service to the broker; `group` is shown in the broker's own tools. */
export async function connectBroker(access: BrokerAccess, group: string): Promise<BrokerConnection> {
  if (access.kind === 'kafka') {
    const cluster = kafkaCluster(kafkaLibrary, { bootstrapBrokers: [access.bootstrap], clientId: group })
    return {
      sink: kafkaSink(cluster, { name: 'kafka', partitions: 6, replicas: 1, ...single }),
      topic: (name) => kafkaTopic(cluster, name, { group, ...single }),
      close: () => cluster.close(),
    }
  }
  const client = createClient({
    ...{ url: access.url, disableOfflineQueue: true },
    socket: { socketTimeout: 5_000, reconnectStrategy: (retries) => Math.min(20 * 2 ** retries, 500) },
  })
  // Every command says itself that it failed; without a listener the process would end.
  client.on('error', () => {})
  await client.connect()
  return {
    sink: redisSink(client, { name: 'redis', shards: 6 }),
    topic: (topic) => redisTopic(client, { topic, group }),
    close: async () => client.destroy(),
  }
}
