import type { RedisParentClient } from './drivers/redis/client.ts'
import { type RedisTopicFeedOptions, redisTopicFeed } from './drivers/redis/feed.ts'
import { redisWakeUp } from './drivers/redis/wake-up.ts'
import type { FeedSource } from './runtime/start.ts'

export type {
  RedisClient,
  RedisLayout,
  RedisOptions,
  RedisOwnClient,
  RedisParentClient,
  UnsafeSetting,
} from './drivers/redis/client.ts'
export { type RedisTopicFeed, type RedisTopicFeedOptions, redisTopicFeed } from './drivers/redis/feed.ts'
export { type RedisSinkOptions, redisSink } from './drivers/redis/sink.ts'
export { type TrimmedShard, type TrimOptions, trimRedisTopic } from './drivers/redis/trim.ts'

/**
 * A topic in Redis, to subscribe to. `client` is connected; a second connection of its kind waits for news.
 *
 * The client may be shared with others, and is left open when the service stops.
 */
export function redisTopic(client: RedisParentClient, options: RedisTopicFeedOptions): FeedSource {
  const feed = redisTopicFeed(client, options)
  return { feed, wakeUp: () => redisWakeUp(client, feed) }
}
