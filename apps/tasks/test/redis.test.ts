import { findRedis, howToGetRedis } from '../../../engines/redis/binaries.ts'
import { eventsHold } from './events.ts'

const skip = findRedis() === null ? `get it by: ${howToGetRedis}` : false
eventsHold('Redis Streams', { EVENTS_BROKER: 'redis', ANALYTICS_BROKER: 'postgres' }, skip)
