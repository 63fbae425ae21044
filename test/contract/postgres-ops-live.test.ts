import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { rejected, service, start } from 'estafet'
import { serveOps } from 'estafet/ops'
import { on, postgresLog, type Sql } from 'estafet/postgres'
import * as z from 'zod'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { parkedServer } from '../ops/parked-world.ts'
import { ask, Placed, silent, tokens } from '../ops/served.ts'

const answer = z.record(z.string(), z.unknown())
const list = z.object({ items: z.array(answer) })

/** Asks until the answer is as wanted; what it was then. */
async function until<Value>(look: () => Promise<Value>, isWanted: (value: Value) => boolean): Promise<Value> {
  const deadline = performance.now() + 60_000
  for (;;) {
    const value = await look()
    if (isWanted(value)) return value
    assert.ok(performance.now() < deadline, `still ${JSON.stringify(value)}`)
    await sleep(20)
  }
}

for (const binaries of allPostgres()) {
  describe(`the ops API of a running service on ${binaries.name}`, () => {
    test('mends what failed, on the normal path, and lets history come again, while two processes run', async () => {
      const server = await parkedServer(binaries)
      const world = await server.fresh()
      let isMended = false
      let calls = 0
      const invoicing = service<Sql>('invoicing', {
        lanes: 2,
        handlers: [
          on(Placed, async ({ data }, { tx }) => {
            calls += 1
            if (!isMended && data.total > 10) throw rejected('the total is too high')
            await tx.query(
              'INSERT INTO invoice VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET total = invoice.total + 1',
              [data.id],
            )
          }),
        ],
      })
      const sources = [postgresLog(world.pool, { source: 'orders' })]
      const options = { store: world.store, sources, logger: silent, leaseMs: 3000 }
      const running = await Promise.all([start(invoicing, options), start(invoicing, options)])
      const [first] = running
      assert.ok(first !== undefined)
      const much = { perSecond: 1e6, burst: 1e6 }
      const api = await serveOps({
        ...{
          service: invoicing,
          running: first,
          store: world.store,
          tokens,
          events: [Placed],
          logger: silent,
          rate: much,
        },
      })
      const get = async (path: string) => answer.parse((await ask(api.url, 'GET', path)).body)
      const post = async (path: string, body: object) => answer.parse((await ask(api.url, 'POST', path, { body })).body)
      const totals = async (): Promise<string> => {
        const { rows } = await world.pool.query<{ says: string }>(
          `SELECT count(*) || ' invoices, ' || coalesce(sum(total), 0) || ' times' AS says FROM invoice`,
        )
        return rows[0]?.says ?? ''
      }
      try {
        for (let at = 0; at < 60; at++) {
          const order = Placed({ id: `o${at}`, total: at % 3 === 0 ? 99 : 1 })
          await world.store.transaction(async (_, write) => write(order))
        }
        await until(
          () => post('/redrives', {}),
          ({ count }) => count === 20,
        )
        await until(totals, (says) => says === '40 invoices, 40 times')
        const dry = await post('/dead-letters/1/dry-run', {})
        assert.equal(dry['isApplied'], false)
        isMended = true
        assert.equal((await post('/dead-letters/1/dry-run', {}))['isApplied'], true)
        assert.equal(await totals(), '40 invoices, 40 times')
        const job = await post('/redrives', { expect: 20, isCanary: true, reason: 'mended', requestId: 'r' })
        const done = await until(
          () => get(`/redrives/${String(job['number'])}`),
          ({ state }) => state === 'done',
        )
        assert.deepEqual([done['applied'], done['failed']], [20, 0])
        assert.equal(await totals(), '60 invoices, 60 times')
        const lag = await until(
          () => get('/lag'),
          (found) => list.parse(found).items[0]?.['lag'] === 0,
        )
        assert.equal(list.parse(lag).items[0]?.['error'], null)

        const before = calls
        const path = '/subscriptions/log%3Aorders/replay'
        const preview = await post(`${path}/preview`, { to: '0' })
        assert.deepEqual([preview['count'], preview['applied']], [60, 60])
        const request = { to: '0', reached: preview['reached'], expect: 60, reason: 'tested' }
        assert.equal((await post(path, request))['outcome'], 'done')
        await until(totals, (says) => says === '60 invoices, 120 times')
        assert.ok(calls >= before + 60)
        const audited = list
          .parse(await get('/audit'))
          .items.map(({ who, action, count }) => `${who} ${action} ${count}`)
        assert.deepEqual(audited, ['admin replay 60', 'admin redrive done 20', 'admin redrive 20'])
      } finally {
        await api.close()
        await Promise.all(running.map((each) => each.stop(1000)))
        await server.stop()
      }
    })
  })
}
