import { after, before, describe, test } from 'node:test'
import { brokerClauses } from 'estafet/contract'
import { howToGetKafka, kafkaInstallation } from '../../engines/kafka/installation.ts'
import { type KafkaServer, temporaryKafka } from '../../engines/kafka/server.ts'
import { freshCluster, type KafkaConfiguration, kafkaBrokerDriver } from './kafka-driver.ts'

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
    for (const clause of brokerClauses()) {
      test(`broker, ${configuration.says}: ${clause.says}`, async () => {
        const cluster = freshCluster(server)
        try {
          await clause.holds(kafkaBrokerDriver(cluster, configuration))
        } finally {
          await cluster.close()
        }
      })
    }
  }
})
