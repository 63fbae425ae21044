import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { event, type Handler, type Logger } from 'estafet'
import { on, onMany, postgres, type Sql } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { postgresWriteProbe } from '../../src/drivers/postgres/write-probe.ts'
import { dryRun } from '../../src/inbox/dry-run.ts'
import { systemClock } from '../../src/runtime/world.ts'
import { messageOf, type ParkedWorld, parkedServer } from '../ops/parked-world.ts'

const schema = z.object({ id: z.string(), total: z.number() })
const Placed = event('order.placed', { version: 1, schema, key: ({ id }) => id })
const Paid = event('invoice.paid', { version: 1, schema: z.object({ id: z.string() }), key: ({ id }) => id })
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

for (const binaries of allPostgres()) {
  describe(`dry runs on ${binaries.name}`, () => {
    let server: Awaited<ReturnType<typeof parkedServer>>
    let world: ParkedWorld
    before(async () => {
      server = await parkedServer(binaries)
      world = await server.fresh()
    })
    after(() => server.stop())

    const tried = (handlers: readonly Handler<Sql>[], data: unknown = { id: 'secret-7', total: 5 }) =>
      dryRun(
        { ...world.store, vault: null, handlers, probe: postgresWriteProbe(), clock: systemClock, logger: silent },
        messageOf(1, 'k', data),
        new AbortController().signal,
      )
    const invoices = async (): Promise<number> => (await world.pool.query('SELECT FROM invoice')).rowCount ?? 0

    test('tells what a handler writes and publishes, without values, and leaves nothing', async () => {
      // What the session wrote before must not be counted.
      await world.pool.query(`INSERT INTO invoice VALUES ('old', 1)`)
      const handler = on(Placed, async ({ data }, { tx, publish }) => {
        await tx.query('INSERT INTO invoice VALUES ($1, $2), ($3, $2)', [data.id, data.total, `${data.id}b`])
        await tx.query(`UPDATE invoice SET total = 77 WHERE id = 'secret-7'`)
        publish(Paid({ id: data.id }))
      })
      const before = await world.pool.query('SELECT last_drawn FROM estafet.outbox_head')
      const result = await tried([handler])
      assert.deepEqual(result.handlers, ['order.placed'])
      assert.equal(result.failure, null)
      assert.deepEqual(result.writes, [{ table: 'public.invoice', inserted: 2, updated: 1, deleted: 0 }])
      assert.deepEqual(result.statements, [
        'INSERT INTO invoice VALUES ($1, $2), ($3, $2)',
        'UPDATE invoice SET total = ? WHERE id = ?',
      ])
      assert.deepEqual(
        result.published.map(({ type, data, context }) => [type, data, context.causationId]),
        [['invoice.paid', { id: 'secret-7' }, 'm-1']],
      )
      assert.equal(await invoices(), 1)
      assert.deepEqual((await world.pool.query('SELECT last_drawn FROM estafet.outbox_head')).rows, before.rows)
    })

    test('tells why a handler would fail, without what the message holds', async () => {
      const thrower = on(Placed, async ({ data }) => {
        throw new TypeError(`no account for ${data.id}`)
      })
      const { failure, writes } = await tried([thrower])
      assert.deepEqual([failure?.errorName, failure?.errorMessage, writes], ['TypeError', 'no account for …', []])
      assert.match(failure?.stack ?? '', /^ {4}at /)
      const broken = on(Placed, async (_, { tx }) => void (await tx.query(`INSERT INTO invoice VALUES ('x', -1)`)))
      assert.match((await tried([broken])).failure?.errorMessage ?? '', /23514.*invoice_total_check/)
      assert.equal((await tried([broken], { id: 5 })).failure?.errorName, 'INVALID_MESSAGE')
      assert.equal((await tried([])).failure?.errorName, 'REJECTED')
      assert.equal(await invoices(), 1)
    })

    test('finds what only the commit would', async () => {
      await world.owner.query(`CREATE TABLE line (invoice text REFERENCES invoice DEFERRABLE INITIALLY DEFERRED);
        GRANT INSERT ON line TO billing`)
      const orphan = on(Placed, async (_, { tx }) => void (await tx.query(`INSERT INTO line VALUES ('nobody')`)))
      const { failure } = await tried([orphan])
      assert.match(failure?.errorMessage ?? '', /23503.*line_invoice_fkey/)
    })

    test('a handler cannot end the transaction that it is tried in', async () => {
      for (const text of ['COMMIT', 'select 1; commit', 'END', ' rollback', `PREPARE TRANSACTION 'x'`]) {
        const ender = onMany(Placed, async (_, { tx }) => {
          await tx.query(`INSERT INTO invoice VALUES ('kept', 1)`)
          await tx.query(text)
        })
        assert.equal((await tried([ender])).failure?.errorName, 'MISCONFIGURED', text)
      }
      const saver = on(Placed, async (_, { tx }) => {
        await tx.query('SAVEPOINT a')
        await tx.query('ROLLBACK TO a')
        await tx.query(`DO $$ BEGIN PERFORM 'commit'; END $$`)
      })
      assert.equal((await tried([saver])).failure, null)
      assert.equal(await invoices(), 1)
    })

    test('a handler that takes too long fails, and what it still sends is undone', async () => {
      const slow = on(
        Placed,
        async (_, { tx }) => {
          await tx.query('SELECT pg_sleep(0.3)')
          await tx.query(`INSERT INTO invoice VALUES ('late', 1)`)
        },
        { timeoutMs: 20 },
      )
      assert.equal((await tried([slow])).failure?.errorName, 'TIMED_OUT')
      await world.pool.query('SELECT pg_sleep(0.5)')
      assert.equal(await invoices(), 1)
    })

    test('says that the database cannot be reached, instead of blaming the handler', async () => {
      const pool = new pg.Pool({ host: '127.0.0.1', port: 1, max: 1 })
      const run = dryRun(
        {
          ...postgres(pool),
          vault: null,
          handlers: [],
          probe: postgresWriteProbe(),
          clock: systemClock,
          logger: silent,
        },
        messageOf(1, 'k'),
        new AbortController().signal,
      )
      await assert.rejects(run, { code: 'UNAVAILABLE' })
      await pool.end()
    })
  })
}
