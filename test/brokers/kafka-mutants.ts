import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaCluster } from 'estafet/kafka'

type Fetch = KafkaCluster['fetch']
type Producer = ReturnType<KafkaCluster['producer']>
type Records = Parameters<Producer['send']>[0]['messages']

/** Clusters that break the driver in one place each. */
export const kafkaMutants: Readonly<Record<string, (cluster: KafkaCluster) => KafkaCluster>> = {
  'loses a record': sending((records) => records.slice(0, -1)),
  'swaps records': sending((records) => records.toReversed()),
  'sends a record twice': sending((records) => records.flatMap((record) => [record, record])),
  'puts everything into one partition': sending((records) => records.map((record) => ({ ...record, partition: 0 }))),
  'loses the headers': sending((records) => records.map((record) => ({ ...record, headers: new Map() }))),
  'loses the key': sending((records) => records.map((record) => ({ ...record, key: Buffer.from('') }))),
  'begins where it likes': fetching((fetch) => (state, partition, _, bytes) => fetch(state, partition, 0n, bytes)),
  'skips a record': fetching(
    (fetch) => (state, partition, offset, bytes) => fetch(state, partition, offset + 1n, bytes),
  ),
  'finds nothing where nothing is left': fetching(
    (fetch) =>
      (...place) =>
        fetch(...place).catch(() => null),
  ),
  'goes on with what is left': fetching(
    (fetch) => (state, partition, offset, bytes) =>
      fetch(state, partition, offset, bytes).catch(() => fetch(state, partition, 2n, bytes)),
  ),
  'hands out what was aborted': fetching((fetch) => async (...place) => {
    const fetched = await fetch(...place)
    return fetched === null ? null : { ...fetched, abortedTransactions: [] }
  }),
  'takes an open transaction for decided': (cluster) => ({
    ...cluster,
    offsets: (topic, state, which) => cluster.offsets(topic, state, which === 'stable' ? 'last' : which),
  }),
  'never sees an end': (cluster) => ({
    ...cluster,
    offsets: async (topic, state, which) => (await cluster.offsets(topic, state, which)).map(() => 0n),
  }),
  'does not look at the id': (cluster) => ({
    ...cluster,
    async topic(topic) {
      const state = await cluster.topic(topic)
      return state === null ? null : { ...state, id: '00000000-0000-0000-0000-000000000001' }
    },
  }),
  'does not look at the partitions': (cluster) => {
    let first: number | null = null
    return {
      ...cluster,
      async topic(topic) {
        const state = await cluster.topic(topic)
        first ??= state?.leaders.length ?? null
        return state === null || first === null ? state : { ...state, leaders: state.leaders.slice(0, first) }
      },
    }
  },
  'does not look at the settings': (cluster) => ({
    ...cluster,
    settings: () => Promise.resolve(new Map([['min.insync.replicas', '2']])),
  }),
  'makes every topic': (cluster) => ({
    ...cluster,
    async topic(topic) {
      const state = await cluster.topic(topic)
      if (state !== null) return state
      await cluster.createTopic(topic, { partitions: 3, replicas: 1, settings: {} })
      await sleep(300)
      return cluster.topic(topic)
    },
  }),
  'commits nothing': (cluster) => ({ ...cluster, commit: () => Promise.resolve() }),
  'never wakes': (cluster) => ({ ...cluster, await: () => new Promise(() => {}) }),
}

function sending(change: (records: Records) => Records): (cluster: KafkaCluster) => KafkaCluster {
  return (cluster) => ({
    ...cluster,
    producer(compression) {
      const producer = cluster.producer(compression)
      return {
        send: ({ messages }) => producer.send({ messages: change(messages) }),
        close: (force) => producer.close(force),
      }
    },
  })
}

function fetching(change: (fetch: Fetch) => Fetch): (cluster: KafkaCluster) => KafkaCluster {
  return (cluster) => ({ ...cluster, fetch: change((...place) => cluster.fetch(...place)) })
}
