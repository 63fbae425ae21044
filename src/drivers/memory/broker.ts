import { EstafetError } from '../../message/errors.ts'
import type { Delivery } from '../../message/message.ts'
import type { Feed } from '../../ports/feed.ts'
import type { Sink } from '../../ports/sink.ts'
import type { Interrupt } from './database.ts'

/** Topics in memory, each with partitions, each a list of messages numbered from 1. */
export interface MemoryBroker {
  readonly partitions: number
  readonly topics: Map<string, Delivery[][]>
}

export function memoryBroker(partitions: number): MemoryBroker {
  return { partitions, topics: new Map() }
}

/** A memory broker as its writers see it. Interrupted, a send has taken place in part. */
export function memorySink(broker: MemoryBroker, interrupt: Interrupt = () => Promise.resolve()): Sink {
  const partitionsOf = (topic: string): Delivery[][] => {
    const known = broker.topics.get(topic) ?? Array.from({ length: broker.partitions }, () => [])
    broker.topics.set(topic, known)
    return known
  }
  return {
    name: 'memory',
    async partitions(topic) {
      return partitionsOf(topic).length
    },
    async send(messages) {
      for (const { message, partition, previous } of messages) {
        await interrupt('send')
        const list = partitionsOf(message.topic)[partition]
        list?.push({ message, previous, cursor: BigInt(list.length + 1) })
      }
      await interrupt('sent')
    },
  }
}

/** A topic of a memory broker as a feed. */
export function memoryTopicFeed(
  broker: MemoryBroker,
  topic: string,
  interrupt: Interrupt = () => Promise.resolve(),
): Feed {
  let seen = -1
  const partitions = (): Delivery[][] => {
    const found = broker.topics.get(topic)
    if (found === undefined) throw new EstafetError('UNAVAILABLE', `The topic ${topic} does not exist yet.`)
    return found
  }
  return {
    name: `topic:${topic}`,
    async open() {
      await interrupt('open')
      return { epoch: 'broker-1', lanes: partitions().length }
    },
    async ends() {
      await interrupt('ends')
      return partitions().map(({ length }) => BigInt(length))
    },
    async advance() {
      await interrupt('advance')
      const now = partitions().reduce((sum, { length }) => sum + length, 0)
      const hasMore = now !== seen
      seen = now
      return hasMore ? 'more' : 'idle'
    },
    async fetch(lane, after, limit) {
      await interrupt('fetch')
      const deliveries = (partitions()[lane] ?? []).slice(Number(after), Number(after) + limit)
      return { deliveries, cursor: deliveries.at(-1)?.cursor ?? after, hasMore: deliveries.length >= limit }
    },
  }
}
