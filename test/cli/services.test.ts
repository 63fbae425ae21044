import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Ended, envelopeOf } from './child.ts'
import { openShop, type Shop } from './shop.ts'

describe('the command line and two services', () => {
  let shop: Shop
  const dead = (key: string): string =>
    `SELECT count(*) = 1 FROM estafet.parked_message WHERE state = 'dead' AND key = '${key}'`
  const invoices = async (orderId: string): Promise<number> =>
    (await shop.sql('billing', `SELECT FROM invoice WHERE order_id = '${orderId}'`)).length
  const numberOf = async (key: string): Promise<string> => {
    const text = `SELECT number::text FROM estafet.parked_message WHERE state = 'dead' AND key = '${key}'`
    return String((await shop.sql('billing', text))[0]?.['number'])
  }
  const fail = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) shop.rejectedOrders.add(key)
    await shop.place(...keys)
    for (const key of keys) await shop.until('billing', dead(key))
  }
  const itemsOf = (ended: Ended): Record<string, unknown>[] => {
    const { data } = envelopeOf(ended)
    assert.ok(Array.isArray(data))
    return data
  }
  const asEve = (line: string): Promise<Ended> => shop.cli(line, { env: { ESTAFET_TOKEN: shop.tokens.view } })

  before(async () => {
    shop = await openShop()
  })
  after(() => shop.close())

  test('what failed is seen, mended and brought back, each step by a command', async () => {
    await fail('M-1')
    await shop.place('M-1')
    const groups = itemsOf(await shop.cli('estafet dead-letters groups --json'))
    assert.deepEqual(
      groups.map(({ service, type, count, errorName }) => ({ service, type, count, errorName })),
      [{ service: 'billing', type: 'order.placed', count: 1, errorName: 'REJECTED' }],
    )
    const number = await numberOf('M-1')
    const dry = await shop.cli(`estafet dead-letters dry-run billing/${number}`)
    assert.equal(dry.code, 1)
    assert.match(dry.out, /It fails again in order\.placed: REJECTED: no such account/)
    const other = await shop.cli(`estafet dead-letters dry-run billing/${number} --with '{"orderId":"M-2"}'`)
    assert.deepEqual({ code: other.code, err: other.err }, { code: 0, err: '' })
    assert.match(other.out, /writes .*invoice: 1 inserted/)
    assert.match(other.out, /publishes invoice\.sent with key M-2/)
    assert.equal(await invoices('M-1'), 0)
    const again = await shop.cli(`estafet dead-letters redrive billing/${number} --yes --wait`)
    assert.equal(again.code, 5)
    assert.match(again.err, /1 failed again/)
    shop.rejectedOrders.clear()
    const mended = await shop.cli(`estafet dead-letters redrive billing/${number} --yes --wait --reason mended`)
    assert.deepEqual({ code: mended.code, err: mended.err }, { code: 0, err: '' })
    await shop.until('billing', `SELECT count(*) = 2 FROM invoice WHERE order_id = 'M-1'`)
    const audit = itemsOf(await shop.cli('estafet audit --service billing --json'))
    assert.ok(audit.some(({ who, action, reason }) => who === 'ada' && action === 'redrive' && reason === 'mended'))
  })

  test('a payload is replaced from standard input, its diff shown, and a hidden field kept', async () => {
    await fail('E-1')
    const number = await numberOf('E-1')
    const edited = await shop.cli(`estafet dead-letters edit billing/${number} - --yes --reason typo`, {
      input: '{"orderId":"E-2","card":"***"}',
    })
    assert.equal(edited.code, 0, edited.err)
    await shop.until('billing', `SELECT count(*) = 1 FROM invoice WHERE order_id = 'E-2'`)
    const diff = await shop.cli(`estafet dead-letters diff billing/${number}`)
    assert.match(diff.out, /orderId\n {2}- "E-1"\n {2}\+ "E-2"/)
  })

  test('what destroys is refused without --yes and does nothing; with it, it is done once', async () => {
    await fail('D-1', 'D-2')
    const line = 'estafet dead-letters discard --service billing --key D-1 --reason test'
    const refused = await shop.cli(line)
    assert.equal(refused.code, 6)
    assert.match(refused.out, /^1 dead letter of billing would be given up/)
    assert.match(refused.err, /--yes/)
    assert.equal((await numberOf('D-1')) === 'undefined', false)
    const unexplained = await shop.cli('estafet dead-letters discard --service billing --key D-1 --yes')
    assert.equal(unexplained.code, 2)
    assert.match(unexplained.err, /--reason/)
    assert.equal((await shop.cli(`${line} --yes`)).code, 0)
    assert.equal(await numberOf('D-1'), 'undefined')
    assert.notEqual(await numberOf('D-2'), 'undefined')
    assert.equal((await shop.cli(`estafet dead-letters discard --service billing --reason test --yes`)).code, 2)
    assert.equal((await shop.cli(`estafet dead-letters discard --service billing --all --reason test --yes`)).code, 0)
    assert.equal(await numberOf('D-2'), 'undefined')
  })

  test('what export wrote, import takes in again', async () => {
    await fail('X-1')
    const exported = await shop.cli('estafet dead-letters export --service billing --key X-1')
    assert.equal(exported.out.trimEnd().split('\n').length, 1)
    await shop.cli('estafet dead-letters discard --service billing --key X-1 --reason test --yes')
    assert.equal(await numberOf('X-1'), 'undefined')
    const line = 'estafet dead-letters import - --service billing --yes'
    const taken = await shop.cli(line, { input: exported.out })
    assert.deepEqual({ code: taken.code, out: taken.out }, { code: 0, out: 'imported 1 into billing\n' })
    assert.notEqual(await numberOf('X-1'), 'undefined')
    assert.equal((await shop.cli(line, { input: 'no json' })).code, 2)
    shop.rejectedOrders.clear()
  })

  test('--wait ends with 124 when its time is over, and the job goes on', async () => {
    const keys = Array.from({ length: 10 }, (_, at) => `W-${at}`)
    await fail(...keys)
    shop.rejectedOrders.clear()
    const line = 'estafet dead-letters redrive --service billing --type order.placed --rate 1 --yes'
    const ended = await shop.cli(`${line} --wait --timeout 200ms`)
    assert.equal(ended.code, 124)
    assert.match(ended.err, /TIMEOUT: The redrive billing\/\d+ is still under way/)
    const [job] = itemsOf(await shop.cli('estafet redrives list --json'))
    assert.equal(job?.['state'], 'running')
    assert.equal((await shop.cli(`estafet redrives cancel billing/${job?.['number']}`)).code, 0)
    assert.equal((await shop.cli(`estafet redrives cancel billing/${job?.['number']}x`)).code, 2)
  })

  test('tail -f shows what comes, and Ctrl-C ends it with 130', async () => {
    const running = shop.cli('estafet tail -f --last 0 --service orders --json', { interruptAfter: /T-2.*\n/ })
    // It begins at the end of the log as it is when it looks: so place until it has seen two.
    let isOver = false
    void running.finally(() => {
      isOver = true
    })
    for (let turn = 0; !isOver && turn < 200; turn++) {
      await shop.place(`T-${turn}`, 'T-2')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const { code, out } = await running
    assert.equal(code, 130)
    const envelopes = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const positions = envelopes.flatMap(({ data }) => (data === null ? [] : [Number(data.position)]))
    assert.ok(positions.length > 0)
    assert.deepEqual(
      positions,
      positions.toSorted((a, b) => a - b),
    )
    assert.equal(new Set(positions).size, positions.length)
  })

  test('a trace shows what caused what in which service, and what failed', async () => {
    await shop.place('C-1')
    await shop.until('billing', `SELECT count(*) = 1 FROM estafet.outbox WHERE key = 'C-1'`)
    await fail('C-2')
    const { code, out } = await shop.cli('estafet trace C-1')
    assert.equal(code, 0)
    assert.match(
      out,
      /^\S+ {2}orders\/\d+ {2}order\.placed {2}C-1 .*\n {2}\S+ {2}billing\/\d+ {2}invoice\.sent {2}C-1 /,
    )
    assert.match((await shop.cli('estafet trace C-2')).out, /\n {2}dead letter billing\/\d+: REJECTED/)
    assert.equal((await shop.cli('estafet trace nothing')).code, 4)
    shop.rejectedOrders.clear()
  })

  test('what a message holds can do nothing to the terminal', async () => {
    const key = '\u001b[2J\u202egnp'
    await shop.place(key)
    const { out } = await shop.cli('estafet tail --service orders --payload')
    assert.match(out, /\\u001b\[2J\\u202egnp/)
    assert.ok([...out.replaceAll('\n', '')].every((character) => !/[\p{Cc}\u202e]/u.test(character)))
  })

  test('a stream is seen as it was, with what changed it, and no more than the token may see', async () => {
    const asBob = (line: string): Promise<Ended> => shop.cli(line, { env: { ESTAFET_TOKEN: shop.tokens.operate } })
    const read = await shop.cli('estafet streams read order A-1 --service orders --limit 2 --payload')
    assert.match(
      read.out,
      /^VERSION {2}TIME .*\n {6}1 {2}\S+ {2}PriceSet .*\n {9}\{"at":0,"price":"5\.0"\}\n {6}2 {2}\S+ {2}CardGiven .*\n {9}\{"card":"card-number"\}\n\nThere are more: --after 2 /,
    )
    assert.equal(itemsOf(await shop.cli('estafet streams read order A-1 --service orders --after 1 --json')).length, 2)
    const then = await shop.cli('estafet streams state order A-1 --service orders --version 2')
    assert.match(
      then.out,
      /^stream {6}order A-1 of orders\nversion {5}2\n[\s\S]*"price": "5\.0"[\s\S]*"card": "card-number"/,
    )
    const diff = await asBob('estafet streams diff order A-1 --service orders --from 1')
    assert.deepEqual(
      { code: diff.code, out: diff.out },
      {
        code: 0,
        out: `order A-1 of orders from version 1 to 3\n/items/0/price\n  - "5.0"\n  + "6.0"\n/card\n  - "***"\n  + "***"\n`,
      },
    )
    const none = await shop.cli('estafet streams diff order A-1 --service orders --from 3')
    assert.match(none.out, /from version 3 to 3\nNothing differs\.\n$/)
    const blame = await shop.cli('estafet streams blame order A-1 --service orders --path /card')
    assert.match(
      blame.out,
      /\nversion {6}2\nevent {8}CardGiven\n[\s\S]*\n\n\/card\n {2}- null\n {2}\+ "card-number"\n$/,
    )
    assert.match(
      (await asBob('estafet streams state order A-1 --service orders')).out,
      /\nhidden {6}card\n[\s\S]*"\*\*\*"/,
    )
    const eyes = await asEve('estafet streams read order A-1 --service orders --payload')
    assert.match(eyes.out, /PriceSet .*\n {9}\(the token may not see payloads\)/)
    const codes: readonly (readonly [string, number])[] = [
      ['estafet streams state order nobody --service orders', 4],
      ['estafet streams read order nobody --service orders', 4],
      ['estafet streams blame order A-1 --service orders --path /nowhere', 4],
      ['estafet streams blame order A-1 --service orders --path items', 2],
      ['estafet streams state order A-1 --service orders --version 1 --time 2026-01-01', 2],
      ['estafet streams state order A-1 --service orders --time yesterday', 2],
      ['estafet streams diff order A-1 --service orders --from 3 --to 1', 2],
      ['estafet streams state order .. --service orders', 2],
      ['estafet streams state other A-1 --service orders', 2],
      ['estafet streams read order A-1', 2],
      ['estafet streams read order A-1 --service billing', 2],
    ]
    for (const [line, code] of codes) assert.deepEqual([line, (await shop.cli(line)).code], [line, code])
    assert.equal((await asEve('estafet streams state order A-1 --service orders')).code, 6)
  })

  test('a paused subscription is seen by status and doctor, and goes on when it is resumed', async () => {
    const line = 'estafet subscriptions pause log:orders --service billing'
    assert.equal((await shop.cli(line)).code, 6)
    assert.equal((await shop.cli(`${line} --yes --reason repair`)).code, 0)
    assert.match((await shop.cli('estafet status')).out, /^billing .* ada /m)
    await shop.place('L-1', 'L-2', 'L-3')
    await shop.waitFor(async () => (await shop.cli('estafet lag --fail-over 2')).code === 1)
    const behind = await shop.cli('estafet lag --fail-over 2')
    assert.match(behind.err, /LAG: billing is 3 messages behind log:orders/)
    assert.match((await shop.cli('estafet doctor --lag-over 2')).out, /warn {2}billing: lag: 3 messages/)
    assert.match(
      (await shop.cli('estafet doctor')).out,
      /warn {2}billing: paused: paused by ada\n {6}fix: estafet subscriptions resume log:orders --service billing/,
    )
    assert.equal((await shop.cli('estafet subscriptions resume log:orders --service billing')).code, 0)
    assert.doesNotMatch((await shop.cli('estafet status')).out, / ada /)
    assert.equal((await shop.cli('estafet subscriptions pause log:other --service billing --yes')).code, 4)
  })

  test('a token that may not do something is refused with 6, and sees no payload', async () => {
    await shop.place('V-1')
    assert.equal((await asEve('estafet status')).code, 0)
    for (const line of [
      'estafet dead-letters redrive --service billing --all --yes',
      'estafet publish order.placed {"orderId":"V-2"} --service orders --yes',
      'estafet subscriptions pause log:orders --service billing --yes',
      'estafet dead-letters export --service billing',
    ]) {
      const { code, out, err } = await asEve(line)
      assert.deepEqual({ code, out }, { code: 6, out: '' }, line)
      assert.match(err, /FORBIDDEN: .*role.*\n {2}/)
    }
    const { out } = await asEve('estafet tail --service orders --payload --last 1')
    assert.match(out, /the token may not see payloads/)
    const stranger = await shop.cli('estafet lag', { env: { ESTAFET_TOKEN: 'x'.repeat(30) } })
    assert.equal(stranger.code, 6)
    assert.match(stranger.err, /UNAUTHENTICATED/)
    assert.doesNotMatch(stranger.err, /xxx/)
  })

  test('what is named by a bare number must say of which service, and what is not there is 4', async () => {
    const ambiguous = await shop.cli('estafet dead-letters show 1')
    assert.equal(ambiguous.code, 2)
    assert.match(ambiguous.err, /--service orders \(or billing\)/)
    assert.equal((await shop.cli('estafet dead-letters show 999999 --service billing')).code, 4)
    assert.equal((await shop.cli('estafet dead-letters show stock/1')).code, 4)
    assert.equal((await shop.cli('estafet lag --service stock')).code, 4)
    assert.equal((await shop.cli('estafet publish order.lost {} --service orders --yes')).code, 4)
    assert.equal((await shop.cli('estafet publish order.placed {} --service orders --yes')).code, 2)
  })

  test('services are named by --url as well, and asked for their names', async () => {
    const env = { ESTAFET_TOKEN: shop.tokens.admin }
    const { code, out } = await shop.cli(`estafet status --url ${shop.urls.orders} --url ${shop.urls.billing}`, {
      env,
      cwd: '/',
    })
    assert.equal(code, 0)
    assert.match(out, /^orders +ready/m)
    assert.match(out, /^billing +ready/m)
    const one = await shop.cli('estafet lag --service billing', {
      env: { ...env, ESTAFET_URL: Object.values(shop.urls).join(',') },
      cwd: '/',
    })
    assert.match(one.out, /^billing +log:orders/m)
  })

  test('two processes of one service are two in status, told apart in doctor, and one where messages are listed', async () => {
    const around = {
      env: { ESTAFET_TOKEN: shop.tokens.admin, ESTAFET_URL: `${shop.urls.orders},${shop.laterUrl}` },
      cwd: '/',
    }
    const status = await shop.cli('estafet status', around)
    assert.equal(status.out.match(/^orders +ready/gm)?.length, 2)
    const doctor = await shop.cli('estafet doctor', around)
    assert.match(doctor.out, /warn {2}orders: versions: its processes run 1\.0\.0 and 1\.1\.0\n {6}fix: /)
    await shop.place('P-1')
    const tail = await shop.cli('estafet tail --key P-1', around)
    assert.equal(tail.out.trimEnd().split('\n').length, 1)
  })

  test('a file of tokens that others can read is refused', async () => {
    const open = join(shop.cwd, 'open.json')
    writeFileSync(open, JSON.stringify({ token: shop.tokens.admin, services: shop.urls }))
    chmodSync(open, 0o644)
    const { code, err } = await shop.cli('estafet status --connect open.json')
    assert.equal(code, 6)
    assert.match(err, /chmod 600 /)
  })

  test('a log in which something was written beside publish is found out', async () => {
    assert.equal((await shop.cli('estafet log verify')).code, 0)
    await shop.sql('orders', `UPDATE estafet.outbox SET slot = (slot + 1) % 4096 WHERE position = 1`)
    const { code, err } = await shop.cli('estafet log verify')
    assert.equal(code, 1)
    assert.match(err, /LOG_FAULT: The log of orders has 1 messages in a slot/)
    await shop.sql('orders', `UPDATE estafet.outbox SET slot = estafet.slot_of(key) WHERE position = 1`)
  })

  test('a subscription beyond the end of its log is found out', async () => {
    await shop.running.billing.stop()
    const lane = `subscription = 'billing' AND lane = 0`
    const [before] = await shop.sql('billing', `SELECT cursor::text FROM estafet.lane WHERE ${lane}`)
    await shop.sql('billing', `UPDATE estafet.lane SET cursor = 1000000 WHERE ${lane}`)
    const { code, err } = await shop.cli('estafet log verify')
    assert.equal(code, 1)
    assert.match(err, /billing stands beyond the end of log:orders in 1 lanes/)
    await shop.sql('billing', `UPDATE estafet.lane SET cursor = ${before?.['cursor']} WHERE ${lane}`)
    assert.equal((await shop.cli('estafet log verify')).code, 0)
  })

  test('a service that has stopped is not live: status and doctor say so, with 1', async () => {
    const status = await shop.cli('estafet status')
    assert.equal(status.code, 1)
    assert.match(status.out, /^billing +not live/m)
    const doctor = await shop.cli('estafet doctor')
    assert.equal(doctor.code, 1)
    assert.match(doctor.out, /fail {2}billing: live: /)
    assert.equal((await shop.cli('estafet status --wait --timeout 300ms')).code, 124)
  })

  test('a service that cannot be reached: the others are asked, and the exit code says so', async () => {
    await shop.stopOps('billing')
    const codes: Record<string, number | null> = {}
    for (const line of [
      'status',
      'doctor',
      'lag',
      'tail',
      'dead-letters list',
      'lag --service billing',
      'trace L-1',
      'trace lost',
    ]) {
      const { code, out, err } = await shop.cli(`estafet ${line}`)
      codes[line] = code
      assert.match(`${out}${err}`, /No answer from billing at http:/, line)
    }
    assert.deepEqual(codes, {
      ...{
        status: 1,
        doctor: 1,
        lag: 5,
        tail: 5,
        'dead-letters list': 5,
        'lag --service billing': 3,
        'trace L-1': 5,
        'trace lost': 5,
      },
    })
  })
})
