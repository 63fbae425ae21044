import type {
  FetchedPartition,
  KafkaAdmin,
  KafkaClientOptions,
  KafkaConnection,
  KafkaLibrary,
  KafkaProducer,
  KafkaSecurity,
} from './client.ts'
import { kafkaCodes, translated } from './failure.ts'

export interface KafkaClusterOptions extends KafkaSecurity {
  /** `host:port` of some brokers; the others are found. */
  readonly bootstrapBrokers: readonly string[]
  /** Shown in the brokers' logs. (Default: estafet.) */
  readonly clientId?: string
  /** Put before the name of each topic, for a cluster that several systems share. (Default: nothing.) */
  readonly topicPrefix?: string
  /** After how long a request counts as lost. (Default: 10 s.) */
  readonly requestTimeoutMs?: number
}

/** A topic as the cluster describes it. */
export interface KafkaTopicState {
  /** Of the topic; another one when it was deleted and made anew. */
  readonly id: string
  /** By partition: the broker that leads it. */
  readonly leaders: readonly number[]
  /** Copies of the partition that has the fewest. */
  readonly replicas: number
}

/** A Kafka cluster. Connections are opened when first needed; `close` ends them all. */
export interface KafkaCluster {
  /** The topic's name on the cluster. */
  topicName(topic: string): string
  /** Null when there is no such topic. Throws UNAVAILABLE, also while a partition has no leader; MISCONFIGURED. */
  topic(topic: string): Promise<KafkaTopicState | null>
  createTopic(topic: string, options: KafkaTopicOptions): Promise<void>
  /** The topic's settings; null when we may not read them. */
  settings(topic: string): Promise<ReadonlyMap<string, string> | null>
  /** By partition: the offset after the last record that is decided ('stable'), after the last one, or of the first. */
  offsets(topic: string, state: KafkaTopicState, which: 'stable' | 'last' | 'first'): Promise<readonly bigint[]>
  /** Records of one partition from an offset on. Rejects with what the library throws. */
  fetch(state: KafkaTopicState, partition: number, offset: bigint, maxBytes: number): Promise<FetchedPartition | null>
  /**
   * Resolves to true when one of the partitions led by `leader` has a record at its offset in `ends` or beyond, and to
   * false after `ms`, or 5 s if that is less. On connections of the topic's own, since a broker answers the requests of a
   * connection one after another.
   */
  await(state: KafkaTopicState, leader: number, ends: readonly bigint[], ms: number): Promise<boolean>
  /** Tells operators' tools how far a group got. Rejects with what the library throws. */
  commit(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void>
  /** A producer that never sends twice with two outcomes: idempotent, all in-sync replicas, retries without end. */
  producer(compression: KafkaCompression): KafkaProducer
  close(): Promise<void>
}

export type KafkaCompression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

export interface KafkaTopicOptions {
  readonly partitions: number
  /** Copies of each partition; -1 for the cluster's default. */
  readonly replicas: number
  readonly settings: Readonly<Record<string, string>>
}

const isolation = { all: 0, decided: 1 }
const noSession = { id: 0, epoch: -1 }

/**
 * A Kafka cluster, reached through the module `@platformatic/kafka` that the caller imported whole, as `library`:
 * `kafkaCluster(library, { bootstrapBrokers: ['127.0.0.1:9092'] })`.
 */
export function kafkaCluster(library: KafkaLibrary, options: KafkaClusterOptions): KafkaCluster {
  const requestTimeout = options.requestTimeoutMs ?? 10_000
  const common: KafkaClientOptions = {
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
    clientId: options.clientId ?? 'estafet',
    bootstrapBrokers: [...options.bootstrapBrokers],
    requestTimeout,
    connectTimeout: 5000,
    // Whoever asks has a loop with back-off of its own, and shows what it waits for.
    retries: 0,
    maxInflights: 64,
  }
  const topicName = (topic: string): string => `${options.topicPrefix ?? ''}${topic}`
  const closers: (() => Promise<void>)[] = []
  const opener = (timeout: number): (() => KafkaAdmin) => {
    let client: KafkaAdmin | null = null
    return () => {
      if (client !== null) return client
      const made = new library.Admin({ ...common, requestTimeout: timeout })
      closers.push(() => made.close())
      client = made
      return made
    }
  }
  const admin = opener(requestTimeout)
  const listeners = new Map<string, () => KafkaAdmin>()
  const listenerOf = ({ id }: KafkaTopicState): KafkaAdmin => {
    const known = listeners.get(id) ?? opener(requestTimeout + maxAwaitMs)
    listeners.set(id, known)
    return known()
  }

  /** Asks one broker, or any. What failed may have been known wrongly: the next call looks for the brokers anew. */
  async function ask<Answer>(
    client: KafkaAdmin,
    node: number | null,
    send: (connection: KafkaConnection) => Promise<Answer>,
  ): Promise<Answer> {
    try {
      const connections = await client.connectToBrokers(node === null ? null : [node])
      const connection = connections.values().next().value
      if (connection === undefined) throw new Error('The broker is not among those of the cluster.')
      return await send(connection)
    } catch (error) {
      client.clearMetadata()
      throw error
    }
  }

  function fetchRequest(
    client: KafkaAdmin,
    leader: number,
    request: { state: KafkaTopicState; places: { partition: number; offset: bigint }[]; maxBytes: number; ms: number },
  ) {
    const partitions = request.places.map(({ partition, offset }) => ({
      ...{ partition, fetchOffset: offset, partitionMaxBytes: request.maxBytes },
      ...{ currentLeaderEpoch: -1, lastFetchedEpoch: -1 },
    }))
    const topics = [{ topicId: request.state.id, partitions }]
    const { ms, maxBytes } = request
    const { fetchV13 } = library
    return ask(client, leader, (connection) =>
      fetchV13.api.async(connection, ms, 1, maxBytes, isolation.decided, noSession.id, noSession.epoch, topics, [], ''),
    )
  }

  return {
    topicName,
    async topic(topic) {
      try {
        const answer = await ask(admin(), null, (connection) =>
          library.metadataV12.api.async(connection, [topicName(topic)], false),
        )
        const [found] = answer.topics
        if (found === undefined) return null
        const sorted = found.partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex)
        return {
          id: found.topicId,
          leaders: sorted.map(({ leaderId }) => leaderId),
          replicas: Math.min(...sorted.map(({ replicaNodes }) => replicaNodes.length)),
        }
      } catch (error) {
        if (kafkaCodes(error).has('UNKNOWN_TOPIC_OR_PARTITION')) return null
        throw translated(error, 'find', topic)
      }
    },
    async createTopic(topic, { partitions, replicas, settings }) {
      const configs = Object.entries(settings).map(([name, value]) => ({ name, value }))
      try {
        await admin().createTopics({ topics: [topicName(topic)], partitions, replicas, configs })
      } catch (error) {
        admin().clearMetadata()
        if (!kafkaCodes(error).has('TOPIC_ALREADY_EXISTS')) throw translated(error, 'create', topic)
      }
    },
    async settings(topic) {
      try {
        const [found] = await admin().describeConfigs({
          resources: [{ resourceType: 2, resourceName: topicName(topic) }],
        })
        return new Map(found?.configs.map(({ name, value }) => [name, value ?? '']))
      } catch (error) {
        admin().clearMetadata()
        const codes = kafkaCodes(error)
        if (codes.has('TOPIC_AUTHORIZATION_FAILED') || codes.has('CLUSTER_AUTHORIZATION_FAILED')) return null
        throw translated(error, 'read the settings of', topic)
      }
    },
    async offsets(topic, state, which) {
      const level = which === 'stable' ? isolation.decided : isolation.all
      const timestamp = which === 'first' ? -2n : -1n
      const name = topicName(topic)
      const found = new Map<number, bigint>()
      const wanted = Map.groupBy(state.leaders.keys(), (partition) => state.leaders[partition] ?? -1)
      try {
        for (const [leader, places] of wanted) {
          const partitions = places.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp }))
          const answer = await ask(admin(), leader, (connection) =>
            library.listOffsetsV7.api.async(connection, -1, level, [{ name, partitions }]),
          )
          for (const { partitionIndex, offset } of answer.topics.flatMap((each) => each.partitions)) {
            found.set(partitionIndex, offset)
          }
        }
      } catch (error) {
        throw translated(error, 'tell the offsets of', topic)
      }
      return state.leaders.map((_, partition) => found.get(partition) ?? 0n)
    },
    async fetch(state, partition, offset, maxBytes) {
      const request = { state, places: [{ partition, offset }], maxBytes, ms: 0 }
      const answer = await fetchRequest(admin(), state.leaders[partition] ?? -1, request)
      return answer.responses[0]?.partitions[0] ?? null
    },
    async await(state, leader, ends, ms) {
      const places = state.leaders.flatMap((each, partition) =>
        each === leader ? [{ partition, offset: ends[partition] ?? 0n }] : [],
      )
      const request = { state, places, maxBytes: 1, ms: Math.min(ms, maxAwaitMs) }
      const { responses } = await fetchRequest(listenerOf(state), leader, request)
      return responses.some(({ partitions }) => partitions.some(({ records }) => (records?.length ?? 0) > 0))
    },
    async commit(groupId, topic, offsets) {
      const partitionOffsets = [...offsets].map(([partition, offset]) => ({ partition, offset }))
      await admin().alterConsumerGroupOffsets({ groupId, topics: [{ name: topicName(topic), partitionOffsets }] })
    },
    producer(compression) {
      const made = new library.Producer({
        ...common,
        idempotent: true,
        compression,
        // Any rejection of its own making would forget its sequence numbers, and with them what was sent already.
        retries: Number.MAX_SAFE_INTEGER,
        retryDelay: (_client, _operation, attempt) => Math.min(2000, 50 * 2 ** Math.min(attempt, 10)),
        maxInflights: 1,
      })
      // By force: a send that waits for a broker would wait for ever.
      closers.push(() => made.close(true))
      return made
    },
    async close() {
      await Promise.all(closers.splice(0).map((close) => close()))
    },
  }
}

/** A request that waits for longer would hold up a stop, and look like a lost one. */
export const maxAwaitMs = 5000
