import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { flow, logger, type Running, service, start } from 'estafet'
import { follow, migrate, postgres, postgresLog } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { provisionDatabase } from '../../engines/postgres/provision.ts'
import { type ServedOps, serveOps } from '../../src/ops.ts'
import { type Ended, envelopeOf } from './child.ts'
import { InvoiceSent, OrderPlaced, openShop, type Shop } from './shop.ts'

/** What orders and billing do for each order; billing is late at once. */
const Invoicing = flow('invoicing', {
  begins: OrderPlaced,
  expects: [{ after: OrderPlaced, oneOf: [InvoiceSent], withinMs: 1 }],
  ends: [InvoiceSent],
})

describe('the command line and flows', () => {
  let shop: Shop
  let desk: Desk
  before(async () => {
    shop = await openShop()
    desk = await openDesk(shop)
  })
  after(async () => {
    await desk.close()
    await shop.close()
  })

  const flows = (line: string): Promise<Ended> => shop.cli(`estafet flows ${line}`)
  const rows = async (line: string) =>
    z
      .array(z.object({ service: z.string(), flow: z.string(), correlationId: z.string(), status: z.string() }))
      .parse(envelopeOf(await flows(`list ${line} --json`)).data)
  /** The only one that is so, when there is one. */
  const theOne = async (line: string): Promise<string> => {
    await shop.waitFor(async () => (await rows(line)).length === 1)
    return (await rows(line))[0]?.correlationId ?? ''
  }

  test('one that has ended is seen with what happened in which service', async () => {
    await shop.place('A-1')
    const id = await theOne('--flow invoicing --status ended')
    const { code, out, err } = await flows(`show invoicing ${id} --service desk`)
    assert.deepEqual([code, err], [0, ''])
    const head = String.raw`^flow {3}invoicing ${id} of desk\nstate {2}ended\nbegun {2}\S+Z\nlast {3}\S+Z\nidle {3}-\ndue {4}-\n`
    const happened = (type: string, source: string) =>
      String.raw` \| *\* *\| {2}happened {2}${type} +${source} +\S+Z {2}\S+\n`
    assert.match(
      out,
      new RegExp(
        `${head}\n.*\n.*${happened('order.placed', 'orders')}.*${happened('invoice.sent', 'billing')}\nIt is at its end: `,
      ),
    )
    assert.match(out, new RegExp(`\n\nestafet trace ${id}\n {4}shows its messages .*\n$`))
    assert.equal((await shop.cli(`estafet trace ${id}`)).code, 0)
  })

  test('what is overdue is an alarm: in list, in status and in doctor, with what to type', async () => {
    assert.deepEqual(await flows('list --overdue'), { code: 0, out: 'No flows.\n', err: '' })
    assert.match((await shop.cli('estafet doctor')).out, /ok {4}desk: flows: none is overdue/)
    shop.rejectedOrders.add('A-2')
    await shop.place('A-2')
    const id = await theOne('--overdue')
    await shop.waitFor(async () => /overdue \d/.test((await flows('list --overdue')).out))
    const { code, out } = await flows('list --overdue')
    assert.equal(code, 1)
    const [head = '', row = ''] = out.split('\n')
    assert.match(head, /^SERVICE +FLOW +CORRELATION ID +STATE +WAITS FOR +AFTER +IDLE +BEGUN AT$/)
    // What matters most is seen on a narrow terminal, too.
    assert.ok(head.indexOf('WAITS FOR') < 80)
    assert.match(
      row,
      new RegExp(String.raw`^desk +invoicing +${id} +overdue \d+ \S.* invoice\.sent +order\.placed +\d.* +\S+Z$`),
    )
    const show = `estafet flows show invoicing ${id} --service desk`
    assert.ok(out.includes(`\n\n${show}\n    says after what`), out)
    const shown = await shop.cli(show)
    assert.match(shown.out, / \| *[-!]*>\| {2}overdue {3}invoice\.sent +- +until \S+Z {2}-\n/)
    assert.match(shown.out, /\n\nIt waits for invoice\.sent since \S+Z, after order\.placed; overdue by \d+ s\.\n\n/)
    assert.match(shown.out, /\nestafet status\n {4}says which service is down, behind or paused/)
    assert.match((await shop.cli('estafet status')).out, /OVERDUE FLOWS[\s\S]*\ndesk +ready .* 1 {2}- /)
    const doctor = await shop.cli('estafet doctor')
    assert.equal(doctor.code, 0)
    assert.match(
      doctor.out,
      new RegExp(
        String.raw`warn {2}desk: flows: 1 overdue: invoicing ${id} by \d+ .*\n {6}fix: ${show} says after what; `,
      ),
    )
    assert.match(doctor.out, /ok {4}orders: flows: none is overdue/)
    shop.rejectedOrders.clear()
    const redriven = await shop.cli('estafet dead-letters redrive --service billing --all --yes')
    assert.equal(redriven.code, 0, redriven.err)
    await shop.waitFor(async () => (await flows('list --overdue')).code === 0)
    assert.equal((await rows('--flow invoicing --status ended')).length, 2)
  })

  test('flows of several services are one list; of each no more than asked for, and that is said', async () => {
    for (const id of ["o'hara 1", 'b', 'c']) await shop.travel(id)
    const all = (await rows('')).map(({ service, flow: name, status }) => `${service} ${name} ${status}`)
    const trip = 'orders trip waiting'
    assert.deepEqual(all.toSorted(), [...Array(2).fill('desk invoicing ended'), trip, trip, trip])
    const two = await flows('list --limit 2')
    assert.equal(two.out.match(/^(orders|desk) /gm)?.length, 4)
    assert.match(two.out, /\n\nOnly the first 2 of each service: see --limit\.\n$/)
    assert.doesNotMatch((await flows('list --limit 3')).out, /Only the first/)
    const waiting = await flows('list --flow trip --status waiting')
    assert.match(
      waiting.out,
      /\norders +trip +o'hara 1 +waiting +hotel\.room-reserved or hotel\.room-refused +trip\.requested +\d/,
    )
    const shown = await flows(`show trip "o'hara 1" --service orders`)
    assert.ok(shown.out.includes(String.raw`estafet trace 'o'\''hara 1'`), shown.out)
    assert.match(shown.out, / \| *-*>\| {2}awaited {3}hotel\.room-reserved or hotel\.room-refused +- +until /)
  })

  test('what cannot be is refused, and the least of tokens may look', async () => {
    for (const [line, code] of [
      ['show trip nobody --service orders', 4],
      ['show nothing b --service orders', 4],
      ['show trip .. --service orders', 2],
      ['show .. b --service orders', 2],
      ['show trip b', 2],
      ['list --status lost', 2],
      ['list --service nobody', 4],
    ] as const) {
      assert.deepEqual([line, (await flows(line)).code], [line, code])
    }
    const eve = { env: { ESTAFET_TOKEN: shop.tokens.view } }
    assert.equal((await shop.cli('estafet flows list', eve)).code, 0)
    assert.equal((await shop.cli('estafet flows show trip b --service orders', eve)).code, 0)
  })
})

interface Desk {
  close(): Promise<void>
}

/** A third service, with a database of its own: it reads what the other two publish, and does nothing but follow. */
async function openDesk(shop: Shop): Promise<Desk> {
  const pools: pg.Pool[] = []
  const poolOf = (database: string): pg.Pool => {
    const pool = new pg.Pool({ connectionString: shop.server.url(database, `${database}_owner`, 'owner'), max: 5 })
    pool.on('error', () => {})
    pools.push(pool)
    return pool
  }
  const owner = { name: 'desk_owner', password: 'owner' }
  await provisionDatabase(shop.server.adminUrl, { database: 'desk', owner, logins: [] })
  const pool = poolOf('desk')
  const client = await pool.connect()
  await migrate(client)
  client.release()
  const quiet = logger({ service: 'test', level: 'error', write: () => {} })
  const store = postgres(pool)
  const desk = service('desk', { handlers: follow(Invoicing) })
  const sources = ['orders', 'billing'].map((source) => postgresLog(poolOf(source), { source }))
  const running: Running = await start(desk, { store, sources, logger: quiet, version: '3.0.0' })
  const tokens = [
    { name: 'ada', role: 'admin', token: shop.tokens.admin },
    { name: 'eve', role: 'view', token: shop.tokens.view },
  ] as const
  const served: ServedOps = await serveOps({ service: desk, running, store, tokens, logger: quiet, version: '3.0.0' })
  const connect = { token: shop.tokens.admin, services: { ...shop.urls, desk: served.url } }
  writeFileSync(join(shop.cwd, '.estafet', 'ops.json'), JSON.stringify(connect), { mode: 0o600 })
  return {
    async close() {
      await served.close()
      await running.stop()
      await Promise.all(pools.map((each) => each.end()))
    },
  }
}
