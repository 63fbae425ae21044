import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isEstafetError, type RelayedMessage, type ValueCodec } from 'estafet'
import { type KafkaCluster, kafkaSink, kafkaTopic } from 'estafet/kafka'
import { howToGetKafka, kafkaInstallation } from '../../engines/kafka/installation.ts'
import { type KafkaServer, temporaryKafka } from '../../engines/kafka/server.ts'
import { freshCluster, singleNode } from '../contract/kafka-driver.ts'

/** The form of a system that has its own. */
const codec: ValueCodec = {
  encode: ({ type, payload }) => `{"event_type":${JSON.stringify(type)},"data":${payload}}`,
  decode(value, { isText }) {
    if (!isText) return { type: 'tasks.skipped', payload: '{"reason":"no text"}' }
    const { event_type: type, data, id } = JSON.parse(value)
    return { type, payload: JSON.stringify(data), ...(id === undefined ? {} : { id }) }
  },
}

function relayed(position: number): RelayedMessage {
  return {
    partition: 0,
    previous: BigInt(position - 1),
    message: {
      ...{ id: `m-${position}`, type: 'task.created', version: 2, topic: 'task_events', key: 'k' },
      ...{ correlationId: 'c', causationId: null, traceparent: null, headers: {}, source: 'tasks', epoch: 'e' },
      ...{ time: '2026-01-01T00:00:00.000Z', payload: `{"n":${position}}`, position: BigInt(position) },
    },
  }
}

describe('a codec of a Kafka topic', {
  skip: kafkaInstallation() === null ? `get it by: ${howToGetKafka}` : false,
}, () => {
  let server: KafkaServer
  let cluster: KafkaCluster
  before(async () => {
    server = await temporaryKafka()
    cluster = freshCluster(server)
  })
  after(async () => {
    await cluster.close()
    await server.stop()
  })
  const topic = { codec, allow: singleNode.allow }

  test('gives values the form that others know, and reads back the same messages with their chain', async () => {
    const sink = kafkaSink(cluster, { name: 'kafka', partitions: 1, ...singleNode, codecs: { task_events: codec } })
    assert.equal(await sink.partitions('task_events'), 1)
    await sink.send([relayed(1), relayed(2)])
    const plain = kafkaTopic(cluster, 'task_events', { allow: singleNode.allow }).feed
    await plain.open()
    assert.deepEqual(
      (await plain.fetch(0, 0n, 10)).deliveries.map(({ message }) => message.payload),
      ['{"event_type":"task.created","data":{"n":1}}', '{"event_type":"task.created","data":{"n":2}}'],
    )
    const { feed } = kafkaTopic(cluster, 'task_events', topic)
    await feed.open()
    assert.deepEqual(
      (await feed.fetch(0, 0n, 10)).deliveries,
      [relayed(1), relayed(2)].map(({ message, previous }) => ({ message, previous, cursor: message.position })),
    )
  })

  test('tells what values of others say, keeps what it cannot read, and stops at nothing', async () => {
    const producer = cluster.producer('none')
    await kafkaSink(cluster, { name: 'kafka', partitions: 1, ...singleNode }).partitions('foreign')
    const values = [
      '{"event_type":"task.created","data":{"n":1},"id":"one"}',
      'no json',
      Buffer.from([0xff, 0xfe]),
      '7',
    ]
    await producer.send({
      messages: values.map((value) => ({
        ...{ topic: cluster.topicName('foreign'), partition: 0, headers: new Map() },
        ...{ key: Buffer.from('k'), value: Buffer.from(value) },
      })),
    })
    const { feed } = kafkaTopic(cluster, 'foreign', topic)
    await feed.open()
    const { deliveries } = await feed.fetch(0, 0n, 10)
    assert.deepEqual(
      deliveries.map(({ message: { id, type, key, payload }, previous }) => [id, type, key, payload, previous]),
      [
        ['one', 'task.created', 'k', '{"n":1}', null],
        ['foreign/0/1', 'foreign', 'k', 'no json', null],
        ['foreign/0/2', 'tasks.skipped', 'k', '{"reason":"no text"}', null],
        ['foreign/0/3', 'foreign', 'k', '7', null],
      ],
    )
  })

  test('that cannot encode stops the relay with the topic, and quotes nothing', async () => {
    const broken: ValueCodec = {
      ...codec,
      encode() {
        throw new TypeError('secret')
      },
    }
    const sink = kafkaSink(cluster, { name: 'kafka', partitions: 1, ...singleNode, codecs: { task_events: broken } })
    await assert.rejects(
      sink.send([relayed(3)]),
      (error) =>
        isEstafetError(error, 'MISCONFIGURED') && !error.message.includes('secret') && error.cause === undefined,
    )
  })
})
