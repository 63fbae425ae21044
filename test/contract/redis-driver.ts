import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '@redis/client'
import type { BrokerDriver, WakeUpDriver } from 'estafet/contract'
import { type RedisClient, redisSink, redisTopic, redisTopicFeed } from 'estafet/redis'
import { type RedisServer, temporaryRedis } from '../../engines/redis/server.ts'
import { brokerWakeUpDriver } from './broker-wake-ups.ts'

/** One way to use Redis. */
export interface RedisConfiguration {
  readonly shards: number
  readonly resp: 2 | 3
  /** Runs as a cluster of one node, which refuses keys that another node might hold. (Default: false.) */
  readonly isCluster?: boolean
}

/** A Redis on which each clause gets keys of its own. */
export interface RedisContract {
  readonly server: RedisServer
  brokerDriver(): BrokerDriver
  wakeUpDriver(): Promise<WakeUpDriver>
  stop(): Promise<void>
}

export async function redisContract({ shards, resp, isCluster = false }: RedisConfiguration): Promise<RedisContract> {
  const server = await temporaryRedis({ settings: { 'cluster-enabled': isCluster ? 'yes' : 'no' } })
  const client = await connected(server, resp)
  if (isCluster) await formCluster(client)
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
    wakeUpDriver() {
      const prefix = `clause-${clauses++}`
      const sink = redisSink(client, { name: 'redis', prefix, shards })
      return brokerWakeUpDriver(sink, () => redisTopic(client, { topic: 'sample', prefix, group: 'clauses' }))
    },
    async stop() {
      client.destroy()
      await server.stop()
    },
  }
}

async function formCluster(client: RedisClient): Promise<void> {
  await client.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383'])
  const deadline = performance.now() + 20_000
  while (!String(await client.sendCommand(['CLUSTER', 'INFO'])).startsWith('cluster_state:ok')) {
    if (performance.now() > deadline) throw new Error('the cluster did not form within 20 s')
    await sleep(20)
  }
}

/** A connected client as the driver's users should have theirs. */
export async function connected({ url }: Pick<RedisServer, 'url'>, resp: 2 | 3 = 3) {
  const client = createClient({
    ...{ url, RESP: resp, disableOfflineQueue: true },
    socket: { socketTimeout: 2_000, reconnectStrategy: (retries) => Math.min(20 * 2 ** retries, 500) },
  })
  client.on('error', () => {})
  await client.connect()
  return client
}
