import { howToGetKafka, kafkaInstallation } from '../../../engines/kafka/installation.ts'
import { allHold } from './on-broker.ts'

const skip = kafkaInstallation() === null ? `get it by: ${howToGetKafka}` : false
allHold(
  'Kafka in the place of Redis, by configuration alone',
  { EVENTS_BROKER: 'kafka', ANALYTICS_BROKER: 'kafka' },
  { skip },
)
