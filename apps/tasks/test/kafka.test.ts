import { howToGetKafka, kafkaInstallation } from '../../../engines/kafka/installation.ts'
import { eventsHold } from './events.ts'

const skip = kafkaInstallation() === null ? `get it by: ${howToGetKafka}` : false
eventsHold(
  'Kafka in the place of Redis, by configuration alone',
  { EVENTS_BROKER: 'kafka', ANALYTICS_BROKER: 'kafka' },
  skip,
)
