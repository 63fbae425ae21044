import { after, before } from 'node:test'
import { howToGetKafka, kafkaInstallation } from '../../../engines/kafka/installation.ts'
import { type KafkaServer, temporaryKafka } from '../../../engines/kafka/server.ts'
import { findRedis, howToGetRedis } from '../../../engines/redis/binaries.ts'
import { allHold } from './on-broker.ts'
import { redisCliSees } from './operators.ts'
import { taskEventsHold } from './task-events.ts'

const missing = [
  ...(findRedis() === null ? [howToGetRedis] : []),
  ...(kafkaInstallation() === null ? [howToGetKafka] : []),
]
const skip = missing.length > 0 ? `get them by: ${missing.join('; ')}` : false
let kafka: KafkaServer | null = null
const bootstrap = (): string => kafka?.bootstrap ?? ''
before(async () => {
  kafka = skip === false ? await temporaryKafka() : null
})
after(() => kafka?.stop())

allHold('Redis Streams and Kafka', {
  skip,
  environment: () => ({ EVENTS_BROKER: 'redis', KAFKA_BROKERS: bootstrap(), KAFKA_REPLICAS: '1' }),
  more: [redisCliSees, taskEventsHold(bootstrap)],
})
