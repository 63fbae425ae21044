import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { brokerClauses, wakeUpClauses } from 'estafet/contract'
import type { KafkaCluster } from 'estafet/kafka'
import { howToGetKafka, kafkaInstallation } from '../../engines/kafka/installation.ts'
import { type KafkaServer, temporaryKafka } from '../../engines/kafka/server.ts'
import { brokerWakeUpClauses, withoutAnnouncer } from './broker-wake-ups.ts'
import { freshCluster, type KafkaConfiguration, kafkaBrokerDriver, kafkaWakeUpDriver } from './kafka-driver.ts'

const configurations: readonly KafkaConfiguration[] = [
  { says: '1 partition', partitions: 1 },
  { says: '3 partitions', partitions: 3 },
  { says: '12 partitions, small fetches', partitions: 12, requestBytes: 1 },
  { says: '2 partitions, compressed', partitions: 2, compression: 'gzip' },
]

describe('Kafka', { skip: kafkaInstallation() === null ? `get it by: ${howToGetKafka}` : false }, () => {
  let server: KafkaServer
  before(async () => {
    server = await temporaryKafka()
  })
  after(() => server.stop())

  for (const configuration of configurations) {
    const check = async (holds: (cluster: KafkaCluster) => Promise<void>): Promise<void> => {
      const cluster = freshCluster(server)
      try {
        await holds(cluster)
      } finally {
        await cluster.close()
      }
    }
    for (const clause of brokerClauses()) {
      test(`broker, ${configuration.says}: ${clause.says}`, () =>
        check((cluster) => clause.holds(kafkaBrokerDriver(cluster, configuration))))
    }
    for (const clause of brokerWakeUpClauses) {
      test(`wake-up, ${configuration.says}: ${clause.says}`, () =>
        check(async (cluster) => clause.holds(await kafkaWakeUpDriver(cluster, configuration))))
    }
  }
})

test('what does not apply to the wake-ups of a broker is in the contract', () => {
  assert.equal(brokerWakeUpClauses.length, wakeUpClauses().length - withoutAnnouncer.length)
})
