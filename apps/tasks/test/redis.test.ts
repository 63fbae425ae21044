import { kafkaInstallation } from '../../../engines/kafka/installation.ts'
import { findRedis, howToGetRedis } from '../../../engines/redis/binaries.ts'
import { allHold } from './on-broker.ts'
import { redisCliSees } from './operators.ts'

const skip = findRedis() === null ? `get it by: ${howToGetRedis}` : false
const hasKafka = kafkaInstallation() !== null
allHold(
  `Redis Streams${hasKafka ? ' and Kafka' : ', without Kafka, which is not here'}`,
  { EVENTS_BROKER: 'redis', ANALYTICS_BROKER: hasKafka ? 'kafka' : 'postgres' },
  { skip, more: redisCliSees },
)
