import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isEstafetError } from 'estafet'
import { postgres, postgresStreams, project } from 'estafet/postgres'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import {
  Account,
  Booked,
  balances,
  book,
  foldedByHand,
  inCents,
  logger,
  type ProjectionSystem,
  projectionSystem,
  read,
} from './projection-system.ts'

const isMisconfigured = (error: unknown): boolean => isEstafetError(error, 'MISCONFIGURED')

describe('a read model in the transaction of the append, and a second fold', () => {
  let server: PostgresServer
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => server.stop())

  async function within(work: (system: ProjectionSystem) => Promise<void>): Promise<void> {
    const system = await projectionSystem(server, 'inline')
    try {
      await work(system)
    } finally {
      await system.stop()
    }
  }

  test('inline, it is never behind, and begins with what there was', () =>
    within(async ({ streams, people, pool }) => {
      for (let at = 0; at < 5; at++) await streams.handle(Account, 'a', 1)
      const inline = postgresStreams(pool, { service: 'bank', logger, inline: [balances(1)] })
      await assert.rejects(inline.handle(Account, 'a', 1), isMisconfigured, 'before it is installed')
      assert.equal(await people.install(balances(1)), true)
      assert.equal(await people.install(balances(1)), false)
      const { position } = await inline.handle(Account, 'b', 2)
      assert.deepEqual(await read(pool), { balances: { a: 5, b: 2 }, n: 6 })
      await people.waitFor('balances', position, { timeoutMs: 0 })
      await Promise.all(
        Array.from({ length: 20 }, (_, at) => inline.handle(Account, `r-${at % 3}`, 1, { retries: 90 })),
      )
      assert.deepEqual(await read(pool), await foldedByHand(pool))
      assert.equal((await people.verify(balances(1))).isEqual, true)
    }))

  test('inline, what a handler refuses is not appended, and a repeat is not folded again', () =>
    within(async ({ people, pool }) => {
      const picky = project(Booked, async (event, context) => {
        if (event.data.amount === 13) throw new Error('thirteen')
        await book(event, context)
      })
      const definition = balances(1, { handlers: [picky] })
      await people.install(definition)
      const streams = postgresStreams(pool, { service: 'bank', logger, inline: [definition] })
      await assert.rejects(streams.handle(Account, 'a', 13), /thirteen/)
      assert.deepEqual(await foldedByHand(pool), { balances: {}, n: 0 })
      for (let times = 0; times < 3; times++) await streams.handle(Account, 'a', 1, { appendId: 'once' })
      assert.deepEqual(await read(pool), { balances: { a: 1 }, n: 1 })
      const client = await pool.connect()
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
      const tooStrict = streams.handle(Account, 'a', 1, { tx: client })
      await assert.rejects(tooStrict, (error) => isEstafetError(error, 'UNSUPPORTED'))
      await client.query('ROLLBACK')
      client.release()
      const rolledBack = postgres(pool).transaction(async (tx) => {
        await streams.handle(Account, 'a', 1, { tx })
        throw new Error('never mind')
      })
      await assert.rejects(rolledBack, /never mind/)
      assert.deepEqual(await read(pool), { balances: { a: 1 }, n: 1 })
    }))

  test('inline, a new version is installed while commands come, and the old program cannot append any more', () =>
    within(async ({ people, pool }) => {
      await people.install(balances(1))
      const old = postgresStreams(pool, { service: 'bank', logger, inline: [balances(1)] })
      let isInstalled = false
      let refused = 0
      const load = (async () => {
        for (let at = 0; at < 400 && refused === 0; at++) {
          const done = await old.handle(Account, `a-${at % 3}`, 1).catch((error: unknown) => error)
          if (isMisconfigured(done)) refused += 1
          else assert.ok(!(done instanceof Error) || isInstalled, String(done))
        }
      })()
      assert.equal(await people.install(balances(2)), true)
      isInstalled = true
      await load
      assert.equal(refused, 1)
      const fresh = postgresStreams(pool, { service: 'bank', logger, inline: [balances(2)] })
      await fresh.handle(Account, 'z', 1)
      assert.deepEqual(await read(pool), inCents(await foldedByHand(pool)))
      await assert.rejects(people.install(balances(1)), isMisconfigured, 'a newer one serves')
    }))

  test('a second fold finds what is missing and what should not be there, under load, and leaves nothing', () =>
    within(async ({ streams, people, pool, start }) => {
      await start([balances(1, { lanes: 3 })])
      for (let at = 0; at < 30; at++) await streams.handle(Account, `a-${at % 6}`, 1)
      await people.waitFor('balances', (await streams.handle(Account, 'a-0', 1)).position, { timeoutMs: 30_000 })
      let isOver = false
      const load = (async () => {
        for (let at = 0; !isOver; at++) await streams.handle(Account, `a-${at % 6}`, 1)
      })()
      for (let times = 0; times < 3; times++) assert.equal((await people.verify(balances(1))).isEqual, true)
      isOver = true
      await load
      await people.waitFor('balances', (await streams.handle(Account, 'a-0', 1)).position, { timeoutMs: 30_000 })
      await pool.query(`DELETE FROM balance_v1 WHERE id = 'a-1'`)
      await pool.query(`INSERT INTO balance_v1 VALUES ('x', 1), ('y', 1)`)
      const { isEqual, tables } = await people.verify(balances(1))
      assert.equal(isEqual, false)
      assert.deepEqual(
        tables.map(({ table, missing, unexpected }) => [table, missing, unexpected]),
        [
          ['balance', 1, 2],
          ['booking_count', 0, 0],
        ],
      )
      assert.equal((await pool.query(`SELECT to_regclass('balance_v1_check') AS gone`)).rows[0].gone, null)
    }))
})
