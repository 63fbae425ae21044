import { after, before, describe, test } from 'node:test'
import { brokerClauses } from 'estafet/contract'
import { findRedis, howToGetRedis } from '../../engines/redis/binaries.ts'
import { brokerWakeUpClauses } from './broker-wake-ups.ts'
import { type RedisConfiguration, type RedisContract, redisContract } from './redis-driver.ts'

const configurations: readonly RedisConfiguration[] = [
  { shards: 1, resp: 3 },
  { shards: 2, resp: 2 },
  { shards: 3, resp: 3 },
  { shards: 12, resp: 3 },
  { shards: 3, resp: 3, isCluster: true },
]
const redis = findRedis()

for (const configuration of configurations) {
  const name = `Redis, ${configuration.shards} ${configuration.shards === 1 ? 'shard' : 'shards'}, RESP${configuration.resp}${configuration.isCluster === true ? ', cluster' : ''}`
  describe(name, { skip: redis === null ? `no redis-server was found: ${howToGetRedis}` : false }, () => {
    let contract: RedisContract
    before(async () => {
      contract = await redisContract(configuration)
    })
    after(() => contract.stop())
    for (const clause of brokerClauses()) test(`broker: ${clause.says}`, () => clause.holds(contract.brokerDriver()))
    for (const clause of brokerWakeUpClauses) {
      test(`wake-up: ${clause.says}`, async () => clause.holds(await contract.wakeUpDriver()))
    }
  })
}
