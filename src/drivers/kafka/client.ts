/**
 * What we ask of `@platformatic/kafka`, by structure: its module is passed in, as
 * `import * as library from '@platformatic/kafka'`.
 *
 * Reading goes by the protocol's own requests, since the library's consumer would bring Kafka's group assignment, which we
 * replace by lanes. The versions are spoken by brokers from Kafka 3.1 to 4.x.
 */
export interface KafkaLibrary {
  readonly Admin: new (options: KafkaClientOptions) => KafkaAdmin
  readonly Producer: new (options: KafkaProducerOptions) => KafkaProducer
  readonly metadataV12: { readonly api: { async: MetadataRequest['send'] } }
  readonly fetchV13: { readonly api: { async: FetchRequest['send'] } }
  readonly listOffsetsV7: { readonly api: { async: ListOffsetsRequest['send'] } }
}

/** How to reach a cluster that asks for TLS or SASL; see the library's options of the same names. */
export interface KafkaSecurity {
  readonly tls?: object
  readonly sasl?: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER'
    readonly username?: string
    readonly password?: string
    readonly token?: string | (() => string | Promise<string>)
  }
}

export interface KafkaClientOptions extends KafkaSecurity {
  clientId: string
  bootstrapBrokers: string[]
  retries?: number
  retryDelay?: number | ((client: object, operation: string, attempt: number) => number)
  requestTimeout?: number
  connectTimeout?: number
  maxInflights?: number
}

export interface KafkaProducerOptions extends KafkaClientOptions {
  idempotent: true
  compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
}

/** A connection to one broker; ours only to hand on. */
export type KafkaConnection = object

export interface KafkaAdmin {
  connectToBrokers(nodes?: number[] | null): Promise<ReadonlyMap<number, KafkaConnection>>
  clearMetadata(): void
  createTopics(options: {
    topics: string[]
    partitions: number
    replicas: number
    configs: { name: string; value: string }[]
  }): Promise<unknown>
  describeConfigs(options: {
    resources: { resourceType: 2; resourceName: string }[]
  }): Promise<
    readonly { readonly configs: readonly { readonly name: string; readonly value?: string | null | undefined }[] }[]
  >
  alterConsumerGroupOffsets(options: {
    groupId: string
    topics: { name: string; partitionOffsets: { partition: number; offset: bigint }[] }[]
  }): Promise<unknown>
  close(): Promise<void>
}

export interface KafkaProducer {
  send(options: { messages: KafkaRecordToSend[] }): Promise<unknown>
  close(force?: boolean): Promise<void>
}

export interface KafkaRecordToSend {
  topic: string
  partition: number
  key: Buffer
  value: Buffer
  headers: Map<Buffer, Buffer>
}

interface MetadataRequest {
  send(connection: KafkaConnection, topics: string[], mayCreate: boolean): Promise<MetadataResponse>
}

export interface MetadataResponse {
  readonly topics: readonly {
    readonly errorCode: number
    readonly topicId: string
    readonly partitions: readonly {
      readonly errorCode: number
      readonly partitionIndex: number
      readonly leaderId: number
      readonly replicaNodes: readonly number[]
    }[]
  }[]
}

interface FetchRequest {
  send(
    connection: KafkaConnection,
    maxWaitMs: number,
    minBytes: number,
    maxBytes: number,
    isolationLevel: number,
    sessionId: number,
    sessionEpoch: number,
    topics: { topicId: string; partitions: FetchPlace[] }[],
    forgottenTopics: never[],
    rackId: string,
  ): Promise<FetchResponse>
}

export interface FetchPlace {
  partition: number
  currentLeaderEpoch: number
  fetchOffset: bigint
  lastFetchedEpoch: number
  partitionMaxBytes: number
}

export interface FetchResponse {
  readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[]
}

export interface FetchedPartition {
  readonly partitionIndex: number
  readonly lastStableOffset: bigint
  readonly abortedTransactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null
  readonly records?: readonly RecordBatch[] | null
}

export interface RecordBatch {
  readonly firstOffset: bigint
  readonly lastOffsetDelta: number
  readonly magic: number
  /** Bit 4: part of a transaction; bit 5: holds markers, no messages. */
  readonly attributes: number
  readonly firstTimestamp: bigint
  readonly producerId: bigint
  readonly records: readonly KafkaRecord[]
}

export interface KafkaRecord {
  readonly timestampDelta: bigint
  readonly offsetDelta: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[]
}

interface ListOffsetsRequest {
  send(
    connection: KafkaConnection,
    replica: number,
    isolationLevel: number,
    topics: { name: string; partitions: { partitionIndex: number; currentLeaderEpoch: number; timestamp: bigint }[] }[],
  ): Promise<ListOffsetsResponse>
}

export interface ListOffsetsResponse {
  readonly topics: readonly {
    readonly partitions: readonly { readonly partitionIndex: number; readonly offset: bigint }[]
  }[]
}
