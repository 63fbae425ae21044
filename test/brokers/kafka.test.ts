import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Admin } from '@platformatic/kafka'
import { brokerClauses } from 'estafet/contract'
import type { KafkaCluster } from 'estafet/kafka'
import { howToGetKafka, kafkaInstallation } from '../../engines/kafka/installation.ts'
import { type KafkaServer, temporaryKafka } from '../../engines/kafka/server.ts'
import { freshCluster, kafkaBrokerDriver } from '../contract/kafka-driver.ts'
import { kafkaClauses } from './kafka-clauses.ts'
import { kafkaMutants } from './kafka-mutants.ts'

const skip = kafkaInstallation() === null ? `get it by: ${howToGetKafka}` : false

describe('Kafka', { skip }, () => {
  let server: KafkaServer
  let admin: Admin
  before(async () => {
    server = await temporaryKafka()
    admin = new Admin({ clientId: 'tools', bootstrapBrokers: [server.bootstrap], retries: 10, retryDelay: 100 })
  })
  after(async () => {
    await admin.close()
    await server.stop()
  })

  for (const clause of kafkaClauses) {
    test(clause.says, { timeout: 60_000 }, async () => {
      const cluster = freshCluster(server)
      try {
        await clause.holds({ cluster, admin, bootstrap: server.bootstrap })
      } finally {
        await cluster.close()
      }
    })
  }

  test('every mutant is caught, and every clause fails on one', { timeout: 600_000 }, async () => {
    const failed = new Set<string>()
    const uncaught: string[] = []
    for (const [name, mutate] of Object.entries(kafkaMutants)) {
      const caught: string[] = []
      const run = async (says: string, holds: (cluster: KafkaCluster) => Promise<void>): Promise<void> => {
        const cluster = freshCluster(server)
        const isKept = await holds(mutate(cluster)).then(
          () => true,
          () => false,
        )
        if (!isKept) caught.push(says)
        await cluster.close()
      }
      // Only until one catches it, but for the clauses that have not failed on any yet.
      for (const { says, holds } of kafkaClauses) {
        if (failed.has(says) && caught.length > 0) continue
        await run(says, (cluster) => holds({ cluster, admin, bootstrap: server.bootstrap }))
      }
      for (const { says, holds } of brokerClauses()) {
        if (caught.length > 0) break
        await run(says, (cluster) => holds(kafkaBrokerDriver(cluster, { says, partitions: 3 })))
      }
      if (caught.length === 0) uncaught.push(name)
      for (const says of caught) failed.add(says)
    }
    const blunt = kafkaClauses.map(({ says }) => says).filter((says) => !failed.has(says))
    assert.deepEqual({ uncaught, blunt }, { uncaught: [], blunt: [] })
  })
})
