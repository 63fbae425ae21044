import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { event } from 'estafet'
import { migrate, postgres, postgresLog } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'

const Placed = event('order.placed', { version: 1, schema: z.int(), key: String })

for (const binaries of allPostgres()) {
  describe(`reading a log on ${binaries.name}`, () => {
    let server: PostgresServer
    let pool: pg.Pool
    before(async () => {
      server = await temporaryPostgres({ binaries, settings: { fsync: 'off' } })
      pool = new pg.Pool({ connectionString: server.adminUrl, max: 1 })
      pool.on('error', () => {})
      const owner = await pool.connect()
      await migrate(owner)
      owner.release()
    })
    after(async () => {
      await pool.end()
      await server.stop()
    })

    test('looks at no more rows than it needs, however much is unread, with statistics and without', async () => {
      const store = postgres(pool)
      const { log } = postgresLog(pool, { source: 'orders' })
      const seen = async () => {
        await pool.query('SELECT pg_stat_force_next_flush()')
        const { rows } = await pool.query<{ seq: string; idx: string }>(
          `SELECT seq_tup_read::text AS seq, idx_tup_fetch::text AS idx FROM pg_stat_user_tables WHERE relname = 'outbox'`,
        )
        return { seq: Number(rows[0]?.seq), idx: Number(rows[0]?.idx) }
      }
      for (let at = 0; at < 20; at++) {
        await store.transaction(async (_, publish) => publish(...Array.from({ length: 500 }, (__, n) => Placed(n))))
      }
      for (const isAnalysed of [false, true]) {
        if (isAnalysed) await pool.query('ANALYZE estafet.outbox')
        // From the sixth time on a prepared statement may have another plan.
        for (let time = 0; time < 7; time++) {
          const before = await seen()
          const read = await log.read({
            after: 100n,
            upTo: 9_900n,
            limit: 20,
            topics: null,
            lane: { index: 1, count: 4 },
          })
          const now = await seen()
          assert.equal(read.length, 20)
          assert.equal(now.seq, before.seq, 'rows read without the index')
          assert.ok(now.idx - before.idx < 1_000, `${now.idx - before.idx} rows were looked at`)
        }
      }
    })

    test('compiles nothing for a batch, whatever the planner believes that it costs', async (t) => {
      const client = await pool.connect()
      const plans: string[] = []
      client.on('notice', ({ message }) => void plans.push(message ?? ''))
      try {
        const isThere = await client.query(`LOAD 'auto_explain'`).then(
          () => true,
          () => false,
        )
        if (!isThere) return t.skip('this PostgreSQL has no auto_explain to show plans with')
        await client.query(`SET client_min_messages = log; SET auto_explain.log_nested_statements = on;
          SET auto_explain.log_min_duration = 0`)
        for (const read of ['read_outbox', 'read_events']) {
          plans.length = 0
          await client.query(`SELECT * FROM estafet.${read}(0, 100, 4, 1, NULL, 20)`)
          assert.ok(plans.some((plan) => /_pkey/.test(plan)))
          assert.ok(!plans.some((plan) => /JIT:/.test(plan)), plans.join('\n'))
        }
      } finally {
        client.release(true)
      }
    })
  })
}
