import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { command, type ErrorCode, isEstafetError, type Running, type RunningSagas, service, start } from 'estafet'
import { answer, migrate, type PostgresStore, postgres, postgresLog, type Sql, sagas } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { reading, silent } from './trip-system.ts'

const schema = z.object({ order: z.string() })
const Pack = command('shop.pack', { version: 1, to: 'shop', schema, reply: schema })

describe('a question that is asked again under its id', () => {
  let server: PostgresServer
  let pool: pg.Pool
  let store: PostgresStore
  let shop: ReturnType<typeof sagas>
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
    pool = new pg.Pool({ connectionString: await newDatabase(server.adminUrl, 'asked') })
    pool.on('error', () => {})
    const owner = await pool.connect()
    await migrate(owner)
    owner.release()
    store = postgres(pool)
    shop = sagas(pool, { service: 'shop', of: [], asks: [Pack], store, logger: silent })
  })
  after(async () => {
    await pool?.end()
    await server?.stop()
  })
  const ask = (order: string, timeoutMs: number): Promise<unknown> =>
    shop.ask(Pack, { order }, { id: 'r-1', timeoutMs })
  const fails = (asked: Promise<unknown>, code: ErrorCode): Promise<void> =>
    assert.rejects(asked, (error) => isEstafetError(error, code))

  test('is the same with another time, and comes to the same', async () => {
    await fails(ask('o-1', 20), 'TIMED_OUT')
    await fails(ask('o-1', 30), 'TIMED_OUT')
    await fails(ask('o-2', 20), 'INVALID_MESSAGE')
    const pack = answer(Pack, async ({ data }) => data)
    const running: Running = await start(service<Sql>('shop', { handlers: [...shop.handlers, ...pack] }), {
      ...{ ...reading, logger: silent, store, sources: [postgresLog(pool, { source: 'shop' })] },
    })
    const loop: RunningSagas = await shop.start({ lookMs: 20 })
    try {
      // It was taken back meanwhile, or not: as it is heard once, it stays.
      const heard = await ask('o-1', 10_000)
      assert.deepEqual(await ask('o-1', 12_345), heard)
      await fails(ask('o-2', 10_000), 'INVALID_MESSAGE')
    } finally {
      await Promise.all([running.stop(2_000), loop.stop(2_000)])
    }
  })
})
