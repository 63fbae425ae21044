import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isEstafetError } from 'estafet'
import { project } from 'estafet/postgres'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { Order } from '../docs/event-sourcing/order.ts'
import { orderSummary } from './projection-example.ts'
import {
  Account,
  Booked,
  balances,
  book,
  foldedByHand,
  type ProjectionSystem,
  projectionSystem,
  read,
} from './projection-system.ts'

describe('a read model', () => {
  let server: PostgresServer
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => server.stop())

  async function within(work: (system: ProjectionSystem) => Promise<void>): Promise<void> {
    const system = await projectionSystem(server)
    try {
      await work(system)
    } finally {
      await system.stop()
    }
  }

  test('is kept up to date, and read after what was written', () =>
    within(async ({ start, streams, people, pool }) => {
      await start([orderSummary])
      await streams.handle(Order, 'o-1', { do: 'add', product_id: 'p', quantity: 1, price: '1.0' })
      const { position } = await streams.handle(Order, 'o-1', { do: 'confirm' })
      await people.waitFor('order-summary', position, { timeoutMs: 20_000 })
      assert.deepEqual((await pool.query('SELECT * FROM order_summary')).rows, [
        { id: 'o-1', items: 1, is_open: false },
      ])
    }))

  test('equals a fold by another program, with lanes and two processes, row by row', () =>
    within(async ({ start, streams, people, pool }) => {
      const definition = balances(1, { lanes: 4, batchSize: 7 })
      await Promise.all([start([definition]), start([definition])])
      for (let at = 0; at < 200; at++) await streams.handle(Account, `a-${at % 9}`, at)
      const { position } = await streams.handle(Account, 'a-1', 1)
      await people.waitFor('balances', position, { timeoutMs: 30_000 })
      assert.deepEqual(await read(pool), await foldedByHand(pool))
    }))

  test('waits no longer than it may, and not at all when told to stop', () =>
    within(async ({ start, streams, people, until }) => {
      await start([balances(1)])
      const { position } = await streams.handle(Account, 'a', 1)
      await people.waitFor('balances', position)
      await people.pause('balances', { who: 'test' })
      let last: bigint | null = null
      await until('it folds nothing any more', async () => {
        last = (await streams.handle(Account, 'a', 1)).position
        const waited = await people.waitFor('balances', last, { timeoutMs: 50 }).catch((error: unknown) => error)
        return isEstafetError(waited, 'TIMED_OUT')
      })
      await assert.rejects(people.waitFor('balances', last, { signal: AbortSignal.abort(new Error('gone')) }), /gone/)
      await people.resume('balances', { who: 'test' })
      await people.waitFor('balances', last, { timeoutMs: 20_000 })
    }))

  test('stops before poison, shows it, and goes on when it is mended', () =>
    within(async ({ start, serving, streams, pool, until, status }) => {
      const poison = project(Booked, async (event, context) => {
        if (event.data.amount === 13) throw new Error('thirteen')
        await book(event, context)
      })
      const broken = await serving(balances(1, { handlers: [poison] }))
      const before = await streams.handle(Account, 'a', 1)
      const bad = await streams.handle(Account, 'b', 13)
      await streams.handle(Account, 'a', 2)
      await until('it is stopped', async () => (await status('balances', 1))?.stops.length === 1)
      const shown = await status('balances', 1)
      assert.deepEqual(await read(pool), { balances: { a: 1 }, n: 1 })
      assert.equal(shown?.feeds[0]?.position, before.position)
      const [stop] = shown?.stops ?? []
      assert.deepEqual([stop?.position, stop?.type, stop?.errorMessage], [bad.position, 'Booked', 'thirteen'])
      assert.equal(shown?.secondsLeft, null)
      await broken.stop()
      await start([balances(1)])
      await until('it goes on', async () => (await status('balances', 1))?.stops.length === 0)
      assert.deepEqual(await read(pool), { balances: { a: 3, b: 13 }, n: 3 })
    }))

  test('parks a stream whose event is poison, when told to, and does not say that it has passed it', () =>
    within(async ({ serving, streams, people, pool, until, status }) => {
      let isMended = false
      const poison = project(
        Booked,
        async (event, context) => {
          if (event.data.amount === 13 && !isMended) throw new Error('thirteen')
          await book(event, context)
        },
        { retry: [{ delayed: 100, backOff: { firstMs: 20, maxMs: 100 } }] },
      )
      await serving(balances(1, { handlers: [poison], whenPoison: 'park' }))
      await streams.handle(Account, 'b', 13)
      const other = await streams.handle(Account, 'a', 1)
      await until('the other one is folded', async () => (await read(pool)).balances['a'] === 1)
      assert.equal((await status('balances', 1))?.parkedMessages, 1)
      await assert.rejects(people.waitFor('balances', other.position, { timeoutMs: 20 }), (error) =>
        isEstafetError(error, 'TIMED_OUT'),
      )
      isMended = true
      await people.waitFor('balances', other.position, { timeoutMs: 30_000 })
      assert.deepEqual(await read(pool), { balances: { a: 1, b: 13 }, n: 2 })
    }))

  test('stops at a version that its handlers do not know, and cares for no type that it does not handle', () =>
    within(async ({ serving, streams, pool, until, status }) => {
      await serving(balances(1))
      const client = await pool.connect()
      const raw = (id: string, type: string, version: number) => ({
        ...{ id, type, version, correlationId: id, causationId: null, traceparent: null, headers: {} },
        payload: '{"amount":1}',
      })
      await client.query('BEGIN')
      await streams.events.append(client, [
        {
          stream: { type: 'account', id: 'c' },
          ...{ expected: 'any', appendId: null },
          events: [
            raw('01900000-0000-7000-8000-000000000001', 'Renamed', 1),
            raw('01900000-0000-7000-8000-000000000002', 'Booked', 1),
            raw('01900000-0000-7000-8000-000000000003', 'Booked', 9),
          ],
        },
      ])
      await client.query('COMMIT')
      client.release()
      await until('it is stopped', async () => (await status('balances', 1))?.stops.length === 1)
      const shown = await status('balances', 1)
      assert.deepEqual([shown?.stops[0]?.position, shown?.feeds[0]?.position], [3n, 2n])
      assert.deepEqual(await read(pool), { balances: { c: 1 }, n: 1 })
    }))

  test('is refused with other tables under the same version', () =>
    within(async ({ start }) => {
      await start([balances(1)])
      await assert.rejects(start([balances(1, { lanes: 2 })]), (error) => isEstafetError(error, 'MISCONFIGURED'))
    }))
})
