import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isEstafetError } from 'estafet'
import pg from 'pg'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import {
  Account,
  balances,
  foldedByHand,
  inCents,
  type ProjectionSystem,
  projectionSystem,
  read,
} from './projection-system.ts'

const by = { who: 'test', reason: 'to see' }

describe('a rebuild', () => {
  let server: PostgresServer
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => server.stop())

  async function within(work: (system: ProjectionSystem) => Promise<void>): Promise<void> {
    const system = await projectionSystem(server, 'rebuild')
    try {
      await work(system)
    } finally {
      await system.stop()
    }
  }

  test('goes on beside what serves while events come, and readers never see less, nothing, or two versions at once', () =>
    within(async (system) => {
      const { start, streams, people, pool, until, status } = system
      const old = balances(1)
      const first = await start([old])
      for (let at = 0; at < 300; at++) await streams.handle(Account, `a-${at % 5}`, 1)
      await people.waitFor('balances', (await streams.handle(Account, 'a-0', 1)).position, { timeoutMs: 60_000 })
      await pool.query('CREATE ROLE grafana; GRANT SELECT ON balance TO grafana')
      const load = appending(system)
      const seen = await readingAlways(system)
      const second = await start([old, balances(2, { lanes: 2 })])
      await first.stop()
      await until('the second version serves', async () => (await status('balances', 2))?.state === 'serving')
      await sleep(200)
      const position = await load.stop()
      await people.waitFor('balances', position, { timeoutMs: 60_000 })
      const { versions, reads } = await seen.stop()
      assert.deepEqual([...versions], [1, 2], `in ${reads} readings`)
      assert.deepEqual(await read(pool), inCents(await foldedByHand(pool)))
      const { rows } = await pool.query(`SELECT has_table_privilege('grafana', 'balance', 'SELECT') AS may`)
      assert.deepEqual(rows, [{ may: true }])

      // The old one was kept up to date: the way back is one switch.
      assert.equal((await status('balances', 1))?.state, 'kept')
      assert.equal(await people.promote('balances', { version: 1, build: 1 }, { ...by, force: true }), 'done')
      assert.deepEqual(await read(pool), await foldedByHand(pool))
      assert.equal(await people.drop('balances', { version: 1, build: 1 }, by), false, 'it serves')
      assert.equal(await people.promote('balances', { version: 2, build: 1 }, by), 'done')
      assert.equal(await people.drop('balances', { version: 1, build: 1 }, by), true)
      assert.equal((await pool.query(`SELECT to_regclass('balance_v1') AS gone`)).rows[0].gone, null)
      await people.waitFor('balances', (await streams.handle(Account, 'a-0', 1)).position, { timeoutMs: 60_000 })
      assert.deepEqual(second.health().stalled, [])
    }))

  test('of the same version mends what was damaged', () =>
    within(async ({ start, streams, people, pool, until, status }) => {
      await start([balances(1)])
      const { position } = await streams.handle(Account, 'a', 3)
      await people.waitFor('balances', position, { timeoutMs: 20_000 })
      await pool.query('UPDATE balance_v1 SET amount = 999')
      assert.deepEqual(await people.rebuild('balances', by), { version: 1, build: 2 })
      assert.equal(await people.rebuild('balances', by), null, 'one at a time')
      await until('the second build serves', async () => (await status('balances', 1, 2))?.state === 'serving')
      assert.deepEqual(await read(pool), { balances: { a: 3 }, n: 1 })
      const { rows } = await pool.query(`SELECT who, action, subscription FROM estafet.audit ORDER BY number`)
      assert.deepEqual(
        rows.map(({ who, action, subscription }) => [who, action, subscription]),
        [
          ['test', 'rebuild', 'projection:balances:v1_2'],
          ['estafet', 'promote', 'projection:balances:v1_2'],
        ],
      )
    }))

  test('does not serve while it is stopped, or when its check finds something', () =>
    within(async ({ start, streams, people, pool, until, status }) => {
      const first = await start([balances(1)])
      await people.waitFor('balances', (await streams.handle(Account, 'a', 1)).position, { timeoutMs: 20_000 })
      const check: ReturnType<typeof balances>['check'] = async (tx, table) => {
        const { rows } = await tx.query<{ n: number }>(`SELECT n FROM ${table('booking_count')}`)
        return rows[0]?.n === -1 ? ['it counts downwards'] : []
      }
      const refused = await start([balances(1), balances(2, { check })])
      await until('it is refused', async () => (await status('balances', 2))?.refused === 'it counts downwards')
      await Promise.all([first.stop(), refused.stop()])
      assert.deepEqual(await read(pool), { balances: { a: 1 }, n: 1 })
      const third = balances(3)
      const broken = { ...third, handlers: balances(1).handlers }
      await start([
        {
          ...broken,
          async setUp(tx, table) {
            await third.setUp(tx, table)
            await tx.query(`ALTER TABLE ${table('balance')} ADD CHECK (amount > 5)`)
          },
        },
      ])
      await until('it is stopped', async () => (await status('balances', 3))?.stops.length === 1)
      assert.equal(await people.promote('balances', { version: 3, build: 1 }, by), 'stopped')
      assert.equal((await status('balances', 1))?.state, 'serving')
    }))

  test('refuses a plain name under which something else stands, and shows why', () =>
    within(async ({ start, pool, until, status }) => {
      await pool.query('CREATE TABLE balance (mine int)')
      await start([balances(1)])
      await until('it says so', async () => /no view/.test((await status('balances', 1))?.refused ?? ''))
      assert.equal((await status('balances', 1))?.state, 'wanted')
      await pool.query('DROP TABLE balance')
      await until('it serves', async () => (await status('balances', 1))?.state === 'serving')
      assert.equal((await status('balances', 1))?.refused, null)
    }))

  test('waits for a reader who has the view open, and does not hold up others for long', () =>
    within(async ({ start, streams, people, pool, until, status }) => {
      await start([balances(1), balances(2, { promote: 'by-hand' })])
      await until('the second version is built', async () => (await status('balances', 2))?.state === 'building')
      await people.waitFor('balances', (await streams.handle(Account, 'a', 1)).position, { timeoutMs: 20_000 })
      const reader = await pool.connect()
      await reader.query('BEGIN')
      await reader.query('SELECT FROM balance')
      const promote = () => people.promote('balances', { version: 2, build: 1 }, { ...by, force: true })
      await assert.rejects(promote(), (error) => isEstafetError(error, 'CONFLICT'))
      assert.equal((await reader.query('SELECT amount FROM balance')).rows[0].amount, 1)
      await reader.query('COMMIT')
      reader.release()
      assert.equal(await promote(), 'done')
    }))
})

/** About 100 bookings of 1 in a second, until stopped; then the position of the last. */
function appending({ streams }: ProjectionSystem): { stop(): Promise<bigint | null> } {
  let isOver = false
  const loop = async (): Promise<bigint | null> => {
    let last: bigint | null = null
    for (let at = 0; !isOver; at++) {
      last = (await streams.handle(Account, `a-${at % 5}`, 1)).position
      await sleep(8)
    }
    return last
  }
  const running = loop()
  return {
    stop() {
      isOver = true
      return running
    },
  }
}

/** Reads without a pause, also in prepared statements and in longer transactions, and checks each answer. */
async function readingAlways({ url }: ProjectionSystem) {
  let isOver = false
  let reads = 0
  const versions = new Set<number>()
  const loop = async (inTransaction: boolean): Promise<void> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    let most = 0
    try {
      while (!isOver) {
        if (inTransaction) await client.query('BEGIN')
        for (let times = 0; times < 2; times++) {
          const { balances: sums, n } = await read(client)
          const sum = Object.values(sums).reduce((all, one) => all + one, 0)
          const version = n > 0 ? 1 : 2
          assert.equal(sum, version === 1 ? n : -n * 100, `version ${version}, ${n}`)
          assert.ok(Math.abs(n) >= most, `${n} after ${most}`)
          most = Math.abs(n)
          reads += 1
          versions.add(version)
        }
        if (inTransaction) await client.query('COMMIT')
      }
    } finally {
      await client.end()
    }
  }
  const running = Promise.all([loop(false), loop(false), loop(true)])
  running.catch(() => {})
  return {
    async stop() {
      isOver = true
      await running
      return { versions, reads }
    },
  }
}
