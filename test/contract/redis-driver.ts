import { createClient } from '@redis/client'
import type { BrokerDriver } from 'estafet/contract'
import { redisSink, redisTopicFeed } from 'estafet/redis'
import { type RedisServer, temporaryRedis } from '../../engines/redis/server.ts'

/** One way to use Redis. */
export interface RedisConfiguration {
  readonly shards: number
  readonly resp: 2 | 3
}

/** A Redis on which each clause gets keys of its own. */
export interface RedisContract {
  readonly server: RedisServer
  brokerDriver(): BrokerDriver
  stop(): Promise<void>
}

export async function redisContract({ shards, resp }: RedisConfiguration): Promise<RedisContract> {
  const server = await temporaryRedis()
  const client = await connected(server, resp)
  let clauses = 0
  return {
    server,
    brokerDriver() {
      const prefix = `clause-${clauses++}`
      return {
        sink: redisSink(client, { name: 'redis', prefix, shards }),
        feed: (topic) => redisTopicFeed(client, { topic, prefix, group: 'clauses' }),
      }
    },
    async stop() {
      client.destroy()
      await server.stop()
    },
  }
}

/** A connected client as the driver's users should have theirs. */
export async function connected({ url }: Pick<RedisServer, 'url'>, resp: 2 | 3 = 3) {
  const client = createClient({ url, RESP: resp, disableOfflineQueue: true, socket: { socketTimeout: 5_000 } })
  client.on('error', () => {})
  await client.connect()
  return client
}
