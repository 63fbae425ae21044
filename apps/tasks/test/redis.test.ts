import { findRedis, howToGetRedis } from '../../../engines/redis/binaries.ts'
import { allHold } from './on-broker.ts'

const skip = findRedis() === null ? `get it by: ${howToGetRedis}` : false
allHold('Redis Streams', { EVENTS_BROKER: 'redis', ANALYTICS_BROKER: 'postgres' }, { skip })
