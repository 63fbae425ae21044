import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { brokerClauses, type Clause } from 'estafet/contract'
import { redisSink, redisTopicFeed } from 'estafet/redis'
import { findRedis, howToGetRedis } from '../../engines/redis/binaries.ts'
import { type RedisServer, temporaryRedis } from '../../engines/redis/server.ts'
import { connected } from '../contract/redis-driver.ts'
import { type RedisDriver, redisClauses } from './redis-clauses.ts'
import { redisMutants } from './redis-mutants.ts'

const skip = findRedis() === null ? `no redis-server was found: ${howToGetRedis}` : false

for (const resp of [2, 3] as const) {
  describe(`Redis Streams, RESP${resp}`, { skip }, () => {
    let server: RedisServer
    let client: Awaited<ReturnType<typeof connected>>
    let tools: Awaited<ReturnType<typeof connected>>
    before(async () => {
      server = await temporaryRedis({ settings: { appendfsync: 'everysec' } })
      client = await connected(server, resp)
      tools = await connected(server)
    })
    after(async () => {
      client.destroy()
      tools.destroy()
      await server.stop()
    })

    async function emptied(): Promise<RedisDriver> {
      await tools.sendCommand(['FLUSHALL'])
      return {
        client: { sendCommand: (words) => client.sendCommand(words) },
        // Behind what the driver has under way on its own connection.
        command: async (...words) => {
          await client.sendCommand(['PING'])
          return tools.sendCommand(words)
        },
      }
    }

    for (const clause of redisClauses) test(clause.says, async () => clause.holds(await emptied()))

    if (resp === 3) {
      test('every mutant is caught, and every clause fails on one', async () => {
        const failed = new Set<string>()
        const uncaught: string[] = []
        for (const [name, mutate] of Object.entries(redisMutants)) {
          const caught: string[] = []
          for (const clause of redisClauses) {
            const driver = await emptied()
            if (await fails(clause, { ...driver, client: mutate(driver.client) })) caught.push(clause.says)
          }
          for (const clause of brokerClauses()) {
            const driver = mutate((await emptied()).client)
            const sink = redisSink(driver, { name: 'redis', shards: 2 })
            const feed = (topic: string) => redisTopicFeed(driver, { topic, group: 'reader' })
            if (await fails(clause, { sink, feed })) caught.push(clause.says)
          }
          if (caught.length === 0) uncaught.push(name)
          for (const says of caught) failed.add(says)
        }
        const blunt = redisClauses.map(({ says }) => says).filter((says) => !failed.has(says))
        assert.deepEqual({ uncaught, blunt }, { uncaught: [], blunt: [] })
      })
    }
  })
}

function fails<Driver>(clause: Clause<Driver>, driver: Driver): Promise<boolean> {
  return clause.holds(driver).then(
    () => false,
    () => true,
  )
}
