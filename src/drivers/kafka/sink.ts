import { setTimeout as sleep } from 'node:timers/promises'
import { EstafetError, isEstafetError } from '../../message/errors.ts'
import type { RelayedMessage, Sink } from '../../ports/sink.ts'
import type { ValueCodec } from '../../wire/codec.ts'
import type { KafkaProducer, KafkaRecordToSend } from './client.ts'
import type { KafkaCluster, KafkaCompression } from './cluster.ts'
import { translated } from './failure.ts'
import { toRecord } from './record.ts'
import { checkTopic, type KafkaRisk, type TopicLimits } from './topic-settings.ts'

export interface KafkaSinkOptions {
  /** Names the broker; part of the relay's progress. */
  readonly name: string
  /** Of a topic that does not exist yet. (Default: 6.) */
  readonly partitions?: number
  /** Copies of each partition of a topic that does not exist yet. (Default: 3, two of which must have each message.) */
  readonly replicas?: number
  /** Of a topic that does not exist yet, beside or instead of ours; `retention.ms` for one. */
  readonly settings?: Readonly<Record<string, string>>
  /** Settings of a topic that can lose messages and are accepted nevertheless. (Default: none.) */
  readonly allow?: readonly KafkaRisk[]
  readonly compression?: KafkaCompression
  /** By topic, the form of its values, where it is not plain JSON payloads. */
  readonly codecs?: Readonly<Record<string, ValueCodec>>
  /** How long `send` waits before it says UNAVAILABLE, while what it sent goes on being tried. (Default: 10 s.) */
  readonly patienceMs?: number
}

/** Kafka as the broker that a relay sends to. */
export interface KafkaSink extends Sink {
  /** What is not known to be on the broker: how many messages, and since how many milliseconds the oldest send waits. */
  health(): { readonly unresolved: number; readonly oldestMs: number }
}

interface KnownTopic extends TopicLimits {
  readonly partitions: number
}

interface Sending {
  readonly messages: readonly RelayedMessage[]
  readonly begunAt: number
  readonly done: Promise<void>
  /** Nobody waits for it any more: what was not begun need not be. */
  isDeserted: boolean
}

/**
 * Topics of a Kafka cluster, as their one writer sees them.
 *
 * One send at a time is unresolved, whoever asks, so that a partition takes messages in their order. The client repeats a
 * send without end and the broker drops its repeats; when `send` gave up waiting, the same messages sent again wait for
 * the same outcome, and are not there twice.
 */
export function kafkaSink(cluster: KafkaCluster, options: KafkaSinkOptions): KafkaSink {
  const known = new Map<string, KnownTopic>()
  const counts = new Map<string, number>()
  const patienceMs = options.patienceMs ?? 10_000
  const unresolved = new Set<Sending>()
  let producer: KafkaProducer | null = null
  let tail: Promise<unknown> = Promise.resolve()
  let last: Sending | null = null

  async function knownTopic(topic: string): Promise<KnownTopic> {
    const cached = known.get(topic)
    if (cached !== undefined) return cached
    const state = (await cluster.topic(topic)) ?? (await madeTopic(cluster, topic, options))
    const limits = await checkTopic(cluster, topic, state, options.allow ?? [])
    const found = { ...limits, partitions: state.leaders.length }
    if ((counts.get(topic) ?? found.partitions) !== found.partitions) throw repartitioned(topic)
    counts.set(topic, found.partitions)
    known.set(topic, found)
    return found
  }

  async function produce(messages: readonly RelayedMessage[]): Promise<void> {
    producer ??= cluster.producer(options.compression ?? 'none')
    const topics = [...new Set(messages.map(({ message }) => message.topic))]
    const limits = new Map<string, number>()
    for (const topic of topics) limits.set(topic, (await knownTopic(topic)).maxBatchBytes)
    try {
      for (const records of rounds(messages, (topic) => cluster.topicName(topic), limits, options.codecs ?? {})) {
        await producer.send({ messages: records })
      }
    } catch (error) {
      // The topics' settings may be at fault, and be mended: they are read again.
      for (const topic of topics) known.delete(topic)
      throw translated(error, 'send to', topics.join(', '))
    }
  }

  function begin(messages: readonly RelayedMessage[]): Sending {
    const turn = tail
    const sending: Sending = {
      messages,
      begunAt: performance.now(),
      isDeserted: false,
      done: turn.then(() => (sending.isDeserted ? Promise.reject(notBegun()) : produce(messages))),
    }
    unresolved.add(sending)
    tail = sending.done.catch(() => {}).finally(() => unresolved.delete(sending))
    return sending
  }

  return {
    name: options.name,
    async partitions(topic) {
      return (await knownTopic(topic)).partitions
    },
    async send(messages) {
      const deserted = [...unresolved, ...(last === null ? [] : [last])].filter((each) => each.isDeserted)
      const sending = deserted.find((each) => isSame(each.messages, messages)) ?? begin(messages)
      sending.isDeserted = false
      last = sending
      try {
        await within(patienceMs, sending.done)
      } catch (error) {
        if (error !== outOfPatience) throw error
        sending.isDeserted = true
        throw new EstafetError('UNAVAILABLE', `Kafka has not confirmed ${messages.length} messages; still trying.`, {
          details: { sink: options.name, messages: messages.length },
        })
      }
    },
    health() {
      const waiting = [...unresolved]
      const oldest = Math.min(...waiting.map(({ begunAt }) => begunAt))
      return {
        unresolved: waiting.reduce((total, { messages }) => total + messages.length, 0),
        oldestMs: waiting.length === 0 ? 0 : performance.now() - oldest,
      }
    },
  }
}

async function madeTopic(cluster: KafkaCluster, topic: string, options: KafkaSinkOptions) {
  const replicas = options.replicas ?? 3
  const settings = {
    'min.insync.replicas': String(Math.min(2, replicas)),
    'unclean.leader.election.enable': 'false',
    // What may be published, 1 MiB of payload, with its headers.
    'max.message.bytes': '1114112',
    ...options.settings,
  }
  await cluster.createTopic(topic, { partitions: options.partitions ?? 6, replicas, settings })
  // Its brokers hear of it, and choose its leaders, a moment later.
  for (let waitMs = 10; waitMs < 2000; waitMs *= 2) {
    await sleep(waitMs)
    try {
      const state = await cluster.topic(topic)
      // A leader that answers for a partition has taken it over.
      if (state !== null) await cluster.offsets(topic, state, 'last')
      if (state !== null) return state
    } catch (error) {
      if (!isEstafetError(error, 'UNAVAILABLE')) throw error
    }
  }
  throw new EstafetError('UNAVAILABLE', `The topic ${topic} was made and is not there yet.`, { details: { topic } })
}

const maxRoundBytes = 16 * 1_048_576

/** The records to send, one round after the other, so that no round has more of one partition than a batch may have. */
function rounds(
  messages: readonly RelayedMessage[],
  nameOf: (topic: string) => string,
  limits: ReadonlyMap<string, number>,
  codecs: Readonly<Record<string, ValueCodec>>,
): readonly KafkaRecordToSend[][] {
  const all: KafkaRecordToSend[][] = []
  let filled = new Map<string, number>()
  let total = Number.POSITIVE_INFINITY
  for (const relayed of messages) {
    const { topic } = relayed.message
    const { record, bytes } = toRecord(relayed, nameOf(topic), codecs[topic])
    const limit = (limits.get(topic) ?? 0) - batchHeadBytes
    if (bytes > limit) throw tooLarge(relayed, limit)
    const place = `${record.partition}/${topic}`
    const size = (filled.get(place) ?? 0) + bytes
    if (size > limit || total + bytes > maxRoundBytes) {
      all.push([])
      filled = new Map()
      total = 0
    }
    all.at(-1)?.push(record)
    filled.set(place, (filled.get(place) ?? 0) + bytes)
    total += bytes
  }
  return all
}

const batchHeadBytes = 100

function isSame(one: readonly RelayedMessage[], other: readonly RelayedMessage[]): boolean {
  return one.length === other.length && one.every((each, at) => isSameMessage(each, other[at]))
}

function isSameMessage(one: RelayedMessage, other: RelayedMessage | undefined): boolean {
  return (
    other !== undefined &&
    one.message.position === other.message.position &&
    one.message.id === other.message.id &&
    one.message.epoch === other.message.epoch &&
    one.message.source === other.message.source &&
    one.message.topic === other.message.topic &&
    one.partition === other.partition &&
    one.previous === other.previous
  )
}

const outOfPatience = Symbol('out of patience')

async function within<Result>(ms: number, promise: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(outOfPatience), ms)
  })
  try {
    return await Promise.race([promise, patience])
  } finally {
    clearTimeout(timer)
  }
}

function repartitioned(topic: string): EstafetError {
  return new EstafetError(
    'MISCONFIGURED',
    `The number of partitions of ${topic} changed; its keys are elsewhere now. Start the relay anew once all is read.`,
    { details: { topic } },
  )
}

function notBegun(): EstafetError {
  return new EstafetError('UNAVAILABLE', 'Kafka was not reached in time for these messages; they were not sent.')
}

function tooLarge({ message }: RelayedMessage, limit: number): EstafetError {
  return new EstafetError(
    'TOO_LARGE',
    `The message ${message.id} exceeds what a batch of the topic ${message.topic} may have; raise max.message.bytes.`,
    { details: { topic: message.topic, id: message.id, type: message.type, limit } },
  )
}
