import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, Producer, stringSerializers } from '@platformatic/kafka'
import { isEstafetError, type StoredMessage } from 'estafet'
import type { Clause } from 'estafet/contract'
import { type KafkaCluster, kafkaSink, kafkaTopic } from 'estafet/kafka'
import type { RelayedMessage } from '../../src/ports/sink.ts'
import { singleNode } from '../contract/kafka-driver.ts'

/** A cluster as the driver sees it, and the tools of whoever else works on it. */
export interface KafkaDriver {
  readonly cluster: KafkaCluster
  readonly admin: Admin
  readonly bootstrap: string
}

const topic = 'sample'
const allowed = { allow: singleNode.allow }

/** What the Kafka driver promises beyond the broker's contract. */
export const kafkaClauses: readonly Clause<KafkaDriver>[] = [
  {
    says: 'records deleted before they were read are a gap that names topic, partition and offsets, for whoever begins too',
    async holds({ cluster, admin }) {
      const { feed } = await filled(cluster, [1, 2, 3])
      await deleteBefore(admin, cluster, 2n)
      for (const after of [0n, 1n]) {
        await assert.rejects(feed.fetch(0, after, 10), (error) => {
          assert.ok(isEstafetError(error, 'GAP'))
          assert.deepEqual(error.details, { topic, partition: 0, wanted: String(after), start: '2' })
          return /sample.* 2; offsets/.test(error.message)
        })
      }
      assert.deepEqual(positions(await feed.fetch(0, 2n, 10)), [3n])
    },
  },
  {
    says: 'records deleted unread are skipped when that was decided, and the chain still shows that they lack',
    async holds({ cluster, admin }) {
      await filled(cluster, [1, 2, 3])
      await deleteBefore(admin, cluster, 2n)
      const { feed } = kafkaTopic(cluster, topic, { ...allowed, deleted: 'skip' })
      const { deliveries } = await feed.fetch(0, 0n, 10)
      assert.deepEqual(
        deliveries.map(({ message, previous, cursor }) => [message.position, previous, cursor]),
        [[3n, 2n, 3n]],
      )
    },
  },
  {
    says: 'a topic that was made anew is another epoch, and refuses the feed that read the old one',
    async holds({ cluster, admin }) {
      const { feed } = await filled(cluster, [1, 2])
      const { epoch } = await feed.open()
      await admin.deleteTopics({ topics: [cluster.topicName(topic)] })
      await until(async () => (await cluster.topic(topic)) === null)
      await rejects(feed.open(), 'UNAVAILABLE')
      await rejects(feed.fetch(0, 0n, 10), 'UNAVAILABLE')
      const again = await filled(cluster, [1])
      await rejects(feed.fetch(0, 1n, 10), 'EPOCH_CHANGED')
      await rejects(feed.open(), 'EPOCH_CHANGED')
      assert.notEqual((await again.feed.open()).epoch, epoch)
    },
  },
  {
    says: 'an end that went back is another epoch',
    async holds({ cluster }) {
      const { feed } = await filled(cluster, [1, 2])
      await rejects(feed.fetch(0, 3n, 10), 'EPOCH_CHANGED')
      assert.equal((await feed.fetch(0, 2n, 10)).cursor, 2n)
    },
  },
  {
    says: 'a changed number of partitions is refused by a reader, and by a writer that looks again',
    async holds({ cluster, admin }) {
      const { feed, sink } = await filled(cluster, [1])
      await feed.open()
      await admin.createPartitions({
        topics: [{ name: cluster.topicName(topic), count: 2, assignments: [{ brokerIds: [1] }] }],
      })
      await until(async () => (await cluster.topic(topic))?.leaders.length === 2)
      await rejects(feed.open(), 'MISCONFIGURED')
      assert.equal(await sink.partitions(topic), 1)
      await rejects(sink.send([relayed(2, 'x'.repeat(2_000_000))]), 'TOO_LARGE')
      await rejects(sink.partitions(topic), 'MISCONFIGURED')
    },
  },
  {
    says: 'settings that can lose messages are refused, all at once and by name, unless they are allowed',
    async holds({ cluster, admin }) {
      await admin.createTopics({
        topics: [cluster.topicName(topic)],
        ...{ partitions: 1, replicas: 1 },
        configs: [
          { name: 'unclean.leader.election.enable', value: 'true' },
          { name: 'cleanup.policy', value: 'compact' },
        ],
      })
      await until(async () => (await cluster.topic(topic)) !== null)
      const sink = kafkaSink(cluster, { name: 'kafka' })
      for (const opening of [() => kafkaTopic(cluster, topic).feed.open(), () => sink.partitions(topic)]) {
        await assert.rejects(
          opening(),
          (error) =>
            isEstafetError(error, 'MISCONFIGURED') &&
            /min\.insync\.replicas=1.*unclean.*=true.*cleanup\.policy=compact/.test(error.message),
        )
      }
      const allow = ['one-replica', 'unclean-election', 'compaction'] as const
      assert.equal((await kafkaTopic(cluster, topic, { allow }).feed.open()).lanes, 1)
    },
  },
  {
    says: 'a message too large for its topic is refused before anything is sent, and a large batch is cut',
    async holds({ cluster }) {
      const sink = kafkaSink(cluster, {
        name: 'kafka',
        ...{ ...singleNode, partitions: 1, settings: { 'max.message.bytes': '3000' } },
      })
      await sink.partitions(topic)
      const small = Array.from({ length: 20 }, (_, at) => relayed(at + 1, '"'.padEnd(500, 'x')))
      await rejects(sink.send([...small, relayed(21, 'x'.repeat(3000))]), 'TOO_LARGE')
      const { feed } = kafkaTopic(cluster, topic, allowed)
      assert.deepEqual(await feed.ends(), [0n])
      await sink.send(small)
      assert.deepEqual(
        positions(await feed.fetch(0, 0n, 100)),
        small.map(({ message }) => message.position),
      )
    },
  },
  {
    says: 'what came after a fetch was cut is not hidden by the rest of it',
    async holds({ cluster }) {
      const { feed, sink } = await filled(cluster, [1, 2, 3])
      assert.deepEqual(positions(await feed.fetch(0, 0n, 2)), [1n, 2n])
      await sink.send([relayed(4)])
      const rest = await feed.fetch(0, 2n, 1)
      assert.deepEqual([positions(rest), rest.hasMore], [[3n], true])
      assert.deepEqual(positions(await feed.fetch(0, 2n, 10)), [3n, 4n])
    },
  },
  {
    says: 'a record of somebody else is a message with its place in the topic, and no chain',
    async holds({ cluster, bootstrap }) {
      const { feed } = await filled(cluster, [])
      const name = cluster.topicName(topic)
      await foreign(bootstrap, async (producer) => {
        const record = { topic: name, partition: 0, key: 'k', value: '{"a":1}', headers: { tenant: 'é' } }
        await producer.send({ messages: [record, { ...record, value: '{"a":2}' }] })
      })
      const { deliveries } = await feed.fetch(0, 0n, 10)
      assert.deepEqual(
        deliveries.map(({ message, previous, cursor }) => [message.key, message.payload, previous, cursor]),
        [
          ['k', '{"a":1}', null, 1n],
          ['k', '{"a":2}', null, 2n],
        ],
      )
      assert.equal(deliveries[0]?.message.headers['tenant'], 'é')
      assert.ok(Date.parse(deliveries[0]?.message.time ?? '') > 0)
      assert.notEqual(deliveries[0]?.message.id, deliveries[1]?.message.id)
    },
  },
  {
    says: 'a reader that knows nothing of us finds the key, plain JSON and the headers of CloudEvents',
    async holds({ cluster }) {
      await filled(cluster, [1])
      const state = await cluster.topic(topic)
      assert.ok(state !== null)
      const record = (await cluster.fetch(state, 0, 0n, 1_000_000))?.records?.[0]?.records[0]
      const headers = Object.fromEntries(record?.headers.map(([name, value]) => [String(name), String(value)]) ?? [])
      assert.deepEqual([String(record?.key), String(record?.value)], ['k', '{"number":1}'])
      assert.deepEqual([headers['ce_type'], headers['ce_id'], headers['ce_previous']], ['sample.taken', 'm-1', '0'])
    },
  },
  {
    says: 'what a transaction of somebody else aborted is never handed out, and what it holds open is waited for',
    async holds({ cluster, bootstrap }) {
      const { feed, sink } = await filled(cluster, [1])
      const record = { topic: cluster.topicName(topic), partition: 0, key: 'k' }
      await feed.advance()
      await foreign(bootstrap, async (producer) => {
        const aborted = await producer.beginTransaction()
        await aborted.send({ messages: [{ ...record, value: '"aborted"' }] })
        await rejects(feed.ends(), 'UNAVAILABLE')
        await sink.send([relayed(2)])
        assert.deepEqual((await feed.fetch(0, 1n, 10)).deliveries, [])
        await aborted.abort()
        const committed = await producer.beginTransaction()
        await committed.send({ messages: [{ ...record, value: '"committed"' }] })
        await committed.commit()
      })
      await until(async () => (await feed.ends().catch(() => []))[0] === 6n)
      const { deliveries, cursor, hasMore } = await feed.fetch(0, 0n, 10)
      assert.deepEqual(
        deliveries.map(({ message }) => message.payload),
        ['{"number":1}', '{"number":2}', '"committed"'],
      )
      assert.deepEqual([cursor, hasMore], [6n, false])
    },
  },
  {
    says: 'operators see under the group how far a lane got, once the batch after it is asked for',
    async holds({ cluster, admin }) {
      await filled(cluster, [1, 2, 3])
      const group = cluster.topicName('group')
      const { feed } = kafkaTopic(cluster, topic, { ...allowed, group })
      const name = cluster.topicName(topic)
      const committed = async () => {
        const [found] = await admin
          .listConsumerGroupOffsets({ groups: [{ groupId: group, topics: [{ name, partitionIndexes: [0] }] }] })
          .catch(() => [])
        return found?.topics[0]?.partitions[0]?.committedOffset
      }
      await feed.fetch(0, 0n, 2)
      // The first commit makes Kafka's own topic of offsets, and may fail: the next batch brings the next.
      await until(async () => {
        await feed.fetch(0, 2n, 2)
        return (await committed()) === 2n
      })
    },
  },
  {
    says: 'a waiting reader is woken by a message',
    async holds({ cluster }) {
      const { sink } = await filled(cluster, [1])
      const source = kafkaTopic(cluster, topic, allowed)
      await source.feed.advance()
      const wakeUp = source.wakeUp()
      const [never, stopping] = [new AbortController(), new AbortController()]
      // Longer than any test may take: only a message, or the signal, ends these.
      const woken = wakeUp.wait(600_000, never.signal)
      const stopped = wakeUp.wait(600_000, stopping.signal)
      try {
        stopping.abort()
        await stopped
        await sink.send([relayed(2)])
        await Promise.race([woken, late()])
        assert.deepEqual([await source.feed.advance(), await source.feed.advance()], ['more', 'idle'])
      } finally {
        never.abort()
        await wakeUp.close()
      }
    },
  },
  {
    says: 'news of one topic is told while another topic has none',
    async holds({ cluster }) {
      const { sink } = await filled(cluster, [1])
      await sink.partitions('quiet')
      let quiet = 0
      const counting: KafkaCluster = {
        ...cluster,
        async await(...of) {
          const isNews = await cluster.await(...of)
          quiet += isNews ? 0 : 1
          return isNews
        },
      }
      const sources = ['quiet', topic].map((each) => kafkaTopic(counting, each, allowed))
      const over = new AbortController()
      const waits: Promise<void>[] = []
      for (const { feed, wakeUp } of sources) {
        await feed.advance()
        waits.push(wakeUp().wait(600_000, over.signal))
      }
      try {
        await sink.send([relayed(2)])
        await Promise.race([waits[1], late()])
        assert.equal(quiet, 0)
      } finally {
        over.abort()
      }
    },
  },
]

/** A topic of one partition with these messages, in one batch, and its feed. */
async function filled(cluster: KafkaCluster, numbers: readonly number[]) {
  const sink = kafkaSink(cluster, { name: 'kafka', partitions: 1, ...singleNode })
  await sink.partitions(topic)
  if (numbers.length > 0) await sink.send(numbers.map((number) => relayed(number)))
  return { sink, feed: kafkaTopic(cluster, topic, allowed).feed }
}

export function relayed(number: number, payload = JSON.stringify({ number }), partition = 0): RelayedMessage {
  const message: StoredMessage = {
    ...{ source: 'orders', epoch: 'e1', position: BigInt(number), time: '2026-01-02T03:04:05.000Z', topic },
    ...{ id: `m-${number}`, type: 'sample.taken', version: 1, key: 'k', payload },
    ...{ correlationId: 'c', causationId: null, traceparent: null, headers: {} },
  }
  return { message, partition, previous: BigInt(number - 1) }
}

function positions({ deliveries }: { readonly deliveries: readonly { readonly message: StoredMessage }[] }) {
  return deliveries.map(({ message }) => message.position)
}

async function deleteBefore(admin: Admin, cluster: KafkaCluster, offset: bigint): Promise<void> {
  const name = cluster.topicName(topic)
  await admin.deleteRecords({ topics: [{ name, partitions: [{ partition: 0, offset }] }] })
}

async function foreign(
  bootstrap: string,
  work: (producer: Producer<string, string, string, string>) => Promise<void>,
): Promise<void> {
  const options = { clientId: 'foreign', bootstrapBrokers: [bootstrap], idempotent: true, retries: 20 }
  const producer = new Producer({ ...options, retryDelay: 100, serializers: stringSerializers })
  try {
    await work(producer)
  } finally {
    await producer.close(true)
  }
}

function rejects(promise: Promise<unknown>, code: 'UNAVAILABLE' | 'MISCONFIGURED' | 'EPOCH_CHANGED' | 'TOO_LARGE') {
  return assert.rejects(promise, (error) => {
    assert.ok(isEstafetError(error), String(error))
    assert.equal(error.code, code)
    return true
  })
}

async function late(): Promise<never> {
  await sleep(10_000, undefined, { ref: false })
  throw new Error('it was not woken within 10 s')
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not come true within 10 s')
    await sleep(20)
  }
}
