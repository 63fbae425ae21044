import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createClient } from '@redis/client'
import { isEstafetError } from 'estafet'
import { redisSink } from 'estafet/redis'
import { findRedis, howToGetRedis } from '../../engines/redis/binaries.ts'
import { type RedisServer, temporaryRedis } from '../../engines/redis/server.ts'

describe('a Redis with a password', {
  skip: findRedis() === null ? `no redis-server was found: ${howToGetRedis}` : false,
}, () => {
  let server: RedisServer
  before(async () => {
    server = await temporaryRedis()
  })
  after(() => server?.stop())

  /** The error of a sink. In RESP 2 a client without a password connects, and each command of its is refused. */
  async function refusal(given?: string): Promise<unknown> {
    const client = createClient({ RESP: 2, socket: { host: '127.0.0.1', port: server.port } })
    client.on('error', () => {})
    await client.connect()
    const authenticated = {
      async sendCommand(words: readonly string[]): Promise<unknown> {
        if (given !== undefined) await client.sendCommand(['AUTH', given])
        return await client.sendCommand(words)
      },
    }
    try {
      return await redisSink(authenticated, { name: 'redis' })
        .partitions('orders')
        .catch((thrown: unknown) => thrown)
    } finally {
      client.destroy()
    }
  }

  test('tells that the client gave none, which no waiting mends', async () => {
    const error = await refusal()
    assert.ok(isEstafetError(error, 'MISCONFIGURED'))
    assert.match(error.message, /asks for a password, and the client gave none \(NOAUTH\)/)
  })

  test('tells that the one given is wrong, and not which', async () => {
    const error = await refusal('not-for-logs')
    assert.ok(isEstafetError(error, 'MISCONFIGURED'))
    assert.match(error.message, /refused the name or the password of the client \(WRONGPASS\)/)
    assert.doesNotMatch(error.message, /not-for-logs/)
  })
})
