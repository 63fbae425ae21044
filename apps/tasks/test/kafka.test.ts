import { after, before } from 'node:test'
import { howToGetKafka, kafkaInstallation } from '../../../engines/kafka/installation.ts'
import { type KafkaServer, temporaryKafka } from '../../../engines/kafka/server.ts'
import { allHold } from './on-broker.ts'
import { taskEventsHold } from './task-events.ts'

const skip = kafkaInstallation() === null ? `get it by: ${howToGetKafka}` : false
let kafka: KafkaServer | null = null
const bootstrap = (): string => kafka?.bootstrap ?? ''
before(async () => {
  kafka = skip === false ? await temporaryKafka() : null
})
after(() => kafka?.stop())

allHold('Kafka in the place of Redis, by configuration alone', {
  skip,
  environment: () => ({ EVENTS_BROKER: 'kafka', KAFKA_BROKERS: bootstrap(), KAFKA_REPLICAS: '1' }),
  more: [taskEventsHold(bootstrap)],
})
