import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { decider, event, isEstafetError, type Logger, streamEvent, when } from 'estafet'
import { migrate, type PostgresStreams, postgresStreams } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { add, confirm, Order, type OrderState, Refused } from '../unit/event-sourcing/order.ts'

const said: string[] = []
const note = (text: string): void => void said.push(text)
const logger: Logger = { debug: note, info: note, warn: note, error: note }

describe('a thing that is sourced from its events', () => {
  let server: PostgresServer
  let pool: pg.Pool
  let streams: PostgresStreams
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
    const config: pg.PoolConfig & { pipeline: boolean } = {
      connectionString: await newDatabase(server.adminUrl, 'orders'),
      ...{ max: 20, pipeline: true },
    }
    pool = new pg.Pool(config)
    pool.on('error', () => {})
    const owner = await pool.connect()
    await migrate(owner)
    owner.release()
    streams = postgresStreams(pool, { service: 'orders', logger, verifyShare: 1 })
  })
  after(async () => {
    await pool.end()
    await server.stop()
  })

  test('is loaded, decides, and is what its events make it: 130.0, CONFIRMED', async () => {
    await streams.handle(Order, 'o-1', add('a', 2, '50.0'))
    await streams.handle(Order, 'o-1', add('b', 1, '30.0'))
    const { state, version, events } = await streams.handle(Order, 'o-1', confirm)
    assert.deepEqual(state, { status: 'CONFIRMED', items: 2, total: 1300 })
    assert.deepEqual([version, events.map(({ data }) => data)], [3, [{ total_amount: '130.0' }]])
    assert.deepEqual((await streams.load(Order, 'o-1')).state, state)
    await assert.rejects(streams.handle(Order, 'o-1', confirm), Refused)
    const { rows } = await pool.query(
      `SELECT aggregate_type, event_type, event_version FROM estafet.event_store WHERE aggregate_id = 'o-1' ORDER BY 3`,
    )
    assert.deepEqual(
      rows.map(({ event_type, event_version }) => [event_type, event_version]),
      [
        ['ItemAdded', 1],
        ['ItemAdded', 2],
        ['OrderConfirmed', 3],
      ],
    )
  })

  test('decides again when another command was first, and loses none', async () => {
    const racing = Array.from({ length: 12 }, (_, at) =>
      streams.handle(Order, 'o-race', add(`p-${at}`, 1, '1.0'), { retries: 50 }),
    )
    const versions = (await Promise.all(racing)).map(({ version }) => version).sort((a, b) => a - b)
    assert.deepEqual(
      versions,
      Array.from({ length: 12 }, (_, at) => at + 1),
    )
    assert.equal((await streams.load(Order, 'o-race')).state.total, 120)
  })

  test('does not decide again over the version that a person saw', async () => {
    await streams.handle(Order, 'o-seen', add('a', 1, '1.0'))
    await assert.rejects(
      streams.handle(Order, 'o-seen', add('b', 1, '1.0'), { expected: 0 }),
      (error) => isEstafetError(error, 'WRONG_VERSION') && error.details['actual'] === 1,
    )
    assert.equal((await streams.handle(Order, 'o-seen', add('b', 1, '1.0'), { expected: 1 })).version, 2)
  })

  test('takes a command that is tried again for a repeat, also when its decider would refuse it by now', async () => {
    for (let round = 0; round < 10; round++) {
      const id = `o-again-${round}`
      await streams.handle(Order, id, add('a', 1, '1.0'))
      const tries = Array.from({ length: 8 }, () => streams.handle(Order, id, confirm, { appendId: 'confirm-1' }))
      const handled = await Promise.all(tries)
      assert.deepEqual(
        handled.map(({ isRepeat, state, version }) => [isRepeat, state.status, version]).toSorted(),
        Array.from({ length: 8 }, (_, at) => [at > 0, 'CONFIRMED', 2]),
      )
    }
  })

  test('handles a command with an append id once, however often and late it is tried', async () => {
    const tries = Array.from({ length: 4 }, () =>
      streams.handle(Order, 'o-again', add('a', 1, '1.0'), { appendId: 'request-1' }),
    )
    const handled = await Promise.all(tries)
    assert.deepEqual(handled.map(({ isRepeat }) => isRepeat).sort(), [false, true, true, true])
    await streams.handle(Order, 'o-again', confirm)
    // By now the decider would refuse it.
    const late = await streams.handle(Order, 'o-again', add('a', 1, '1.0'), { appendId: 'request-1' })
    assert.deepEqual([late.isRepeat, late.version, late.position], [true, 1, handled[0]?.position])
    assert.equal((await streams.load(Order, 'o-again')).version, 2)
  })

  test('publishes what is translated, in the transaction of its events, with their correlation', async () => {
    const Placed = event('order.placed', { version: 1, schema: z.object({ id: z.string() }), key: ({ id }) => id })
    const Opened = streamEvent('Opened', { version: 1, schema: z.object({}) })
    const Public = decider<boolean, 'open' | 'fail'>('public-order', {
      initial: false,
      decide: () => Opened({}),
      evolve: [when(Opened, () => true)],
      translate: (_, id) => [Placed({ id })],
    })
    const outbox = async () => (await pool.query('SELECT key, correlation_id, causation_id FROM estafet.outbox')).rows
    await streams.handle(Public, 'p-1', 'open', { context: { correlationId: 'c-1' } })
    const [opened] = await streams.events.read({ type: 'public-order', id: 'p-1' }, { after: 0, upTo: null, limit: 9 })
    assert.deepEqual(await outbox(), [{ key: 'p-1', correlation_id: 'c-1', causation_id: opened?.id }])
    assert.equal(opened?.correlationId, 'c-1')
    const again = { appendId: 'request-1' }
    await Promise.all(Array.from({ length: 4 }, () => streams.handle(Public, 'p-2', 'open', again)))
    assert.equal((await outbox()).filter(({ key }) => key === 'p-2').length, 1, 'published once')
    await assert.rejects(streams.handle(Public, 'p-1', 'open', { expected: 'new' }), (error) =>
      isEstafetError(error, 'WRONG_VERSION'),
    )
    assert.equal((await outbox()).length, 2)
  })

  test('joins a transaction of the caller, and is not there without it', async () => {
    const client = await pool.connect()
    await client.query('BEGIN')
    await streams.handle(Order, 'o-tx', add('a', 1, '1.0'), { tx: client })
    await streams.handle(Order, 'o-tx', add('b', 1, '1.0'), { tx: client })
    assert.equal((await streams.load(Order, 'o-tx')).version, 0)
    await client.query('ROLLBACK')
    client.release()
    assert.equal((await streams.load(Order, 'o-tx')).version, 0)
  })

  test('is the same with a snapshot that is right, flipped, old, ahead, of another stream, another fold or another history', async () => {
    for (let at = 0; at < 12; at++) await streams.handle(Order, 'o-snap', add(`p-${at}`, 1, '2.0'))
    await streams.settled()
    const row = async () => (await pool.query(`SELECT * FROM estafet.snapshot WHERE stream_id = 'o-snap'`)).rows[0]
    const kept = await row()
    const { rows: others } = await pool.query(`SELECT * FROM estafet.snapshot WHERE stream_id = 'o-race'`)
    const other = others[0]
    assert.ok(other !== undefined)
    assert.ok(kept.stream_version >= 5)
    const wanted: OrderState = { status: 'CREATED', items: 12, total: 240 }
    const spoils: Readonly<Record<string, string>> = {
      nothing: 'SELECT 1',
      flipped: `UPDATE estafet.snapshot SET state = replace(state, '"items":', '"items":9')`,
      'no JSON': `UPDATE estafet.snapshot SET state = '{'`,
      ahead: 'UPDATE estafet.snapshot SET stream_version = 99',
      'another version': 'UPDATE estafet.snapshot SET stream_version = stream_version - 1',
      'another fold': `UPDATE estafet.snapshot SET fold = 'other'`,
      'another checksum': `UPDATE estafet.snapshot SET checksum = '0'`,
      'of another stream': `UPDATE estafet.snapshot SET stream_version = ${other.stream_version}, state = '${other.state}',
        checksum = '${other.checksum}'`,
    }
    for (const [what, spoil] of Object.entries(spoils)) {
      await pool.query(spoil)
      const { state, version } = await streams.load(Order, 'o-snap')
      assert.deepEqual([state, version], [wanted, 12], what)
      await streams.settled()
      await pool.query('DELETE FROM estafet.snapshot')
      await streams.load(Order, 'o-snap')
      await streams.settled()
      await pool.query(
        `UPDATE estafet.snapshot SET stream_version = $1, state = $2, checksum = $3 WHERE stream_id = 'o-snap'`,
        [kept.stream_version, kept.state, kept.checksum],
      )
    }
  })

  test('finds by sampling that something which evolve calls has changed', async () => {
    let factor = 1
    const Counted = streamEvent('Counted', { version: 1, schema: z.int() })
    const Counter = decider<number, number>('counter', {
      initial: 0,
      decide: (by) => Counted(by),
      evolve: [when(Counted, (sum: number, by) => sum + by * factor)],
      snapshotEvery: 2,
    })
    for (let at = 0; at < 5; at++) await streams.handle(Counter, 'c', 1)
    await streams.settled()
    factor = 10
    said.length = 0
    assert.equal((await streams.load(Counter, 'c')).state, 50)
    assert.ok(said.some((text) => text.includes('a snapshot was wrong')))
  })
})
