import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import pg from 'pg'
import { takeFolder } from '../../../engines/application/exclusive-folder.ts'
import type { ServiceName } from '../system/services.ts'
import { type System, startSystem } from '../system/system.ts'

const folder = mkdtempSync(join(tmpdir(), 'estafet-shop-'))
const main = fileURLToPath(new URL('../main.ts', import.meta.url))
after(() => rmSync(folder, { recursive: true, force: true }))

function shop(home: string, ...words: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--conditions=estafet-source', main, '--home', join(folder, home), ...words])
    let [out, err] = ['', '']
    child.stdout.on('data', (text) => {
      out += text
    })
    child.stderr.on('data', (text) => {
      err += text
    })
    child.once('exit', (code) => resolve({ code, out, err }))
  })
}

test('a run reconciles and says so with exit code 0', async () => {
  const { code, out } = await shop('plain', '--invoices', '60', '--json')
  const { reconciliation } = JSON.parse(out)
  assert.equal(code, 0)
  assert.equal(reconciliation.isEqual, true)
  assert.equal(reconciliation.file.invoices, 60)
  assert.deepEqual(
    reconciliation.events.map((e: { lost: number; doubled: number }) => e.lost + e.doubled),
    [0, 0, 0, 0],
  )
})

test('a run under kill -9 of services and of the database reconciles as well', async () => {
  const { code, out } = await shop('killed', '--invoices', '150', '--rate', '40', '--kill', '5', '--json')
  assert.equal(JSON.parse(out).reconciliation.isEqual, true)
  assert.equal(code, 0)
})

test('with poison the run names what is parked, and is equal after the redrive', async () => {
  const { code, out, err } = await shop('poison', '--poison', '8%', '--invoices', '120')
  assert.equal(code, 0, out + err)
  assert.match(err, /Parked:\n {2}\w+: [\w.-]+ of C?\d+, dead, REJECTED/)
  assert.match(err, /Not equal yet, and all of it is accounted for/)
  assert.match(out, /redriven in portions of 1, 10 and the rest: orders [1-9]/)
  assert.match(out, /Reconciled: everything is equal/)
})

test('a file with broken lines is reported by line, and the rest reconciles', async () => {
  const text = gunzipSync(readFileSync(new URL('../data/online-retail-2010-12.csv.gz', import.meta.url))).toString(
    'utf8',
  )
  const lines = text.split('\n').slice(0, 400)
  lines[10] = lines[10]?.replace(/,\d+,2010/, ',many,2010') ?? ''
  lines[200] = 'nonsense'
  const file = join(folder, 'broken.csv')
  writeFileSync(file, lines.join('\n'))
  const { code, out, err } = await shop('broken', '--file', file)
  assert.equal(code, 0)
  assert.match(err, /^line 11: Quantity is no whole number$/m)
  assert.match(err, /^line 201: has 1 fields and not 8$/m)
  assert.match(out, /2 bad lines skipped[\s\S]*Reconciled: everything is equal\.\n$/)
})

test('a wrong option and a missing file end with what to do, and exit code 2', async () => {
  for (const words of [['--rate', 'fast'], ['--no-such-option'], ['--file', 'missing.csv']]) {
    const { code, err } = await shop('unused', ...words)
    assert.equal(code, 2)
    assert.match(err, /--help shows the options/)
  }
  assert.match((await shop('unused', '--help')).out, /--kill SEED/)
})

test('a second shop on the same folder is refused with what to do', async () => {
  const giveBack = takeFolder(join(folder, 'taken'))
  const second = await shop('taken', '--invoices', '1')
  giveBack()
  assert.equal(second.code, 2)
  assert.match(second.err, /Another shop is running on .*taken: stop it/)
})

describe('the HTTP interface of orders', () => {
  let system: System
  let url = ''
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const order = {
    ...{ invoiceNo: '536365', customerId: null, country: 'EIRE' },
    lines: [{ stockCode: 'A', description: null, quantity: 2, unitPrice: '2.55', invoicedAt: '2010-12-01T08:26:00Z' }],
  }
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })

  async function rows(database: ServiceName, statement: string, values: readonly string[]): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: system.adminUrl(database) })
    await client.connect()
    try {
      // Without values it may be several statements.
      const answer = await (values.length === 0 ? client.query(statement) : client.query(statement, [...values]))
      return Array.isArray(answer) ? [] : answer.rows
    } finally {
      await client.end()
    }
  }

  before(async () => {
    system = await startSystem(join(folder, 'http'), { logger: silent, quiet: true })
    url = String((await system.supervisor.ready())['orders']?.['url'])
  })
  after(() => system.stop())

  test('takes an order once, however often it is sent, and refuses another one under its number', async () => {
    const first = await post('/orders', order, { 'x-correlation-id': 'request-7' })
    assert.deepEqual([first.status, first.headers.get('x-correlation-id')], [201, 'request-7'])
    assert.equal((await post('/orders', order)).status, 200)
    const other = await post('/orders', { ...order, country: 'France' })
    assert.deepEqual([other.status, other.headers.get('content-type')], [409, 'application/problem+json'])
    assert.equal((await fetch(`${url}/documents/536365`)).status, 200)
  })

  test('names the fields of a bad order and writes nothing', async () => {
    const bad = { ...order, invoiceNo: '7', lines: [{ ...order.lines[0], quantity: 'two', unitPrice: '1.23456' }] }
    const answer = await post('/orders', bad)
    assert.equal(answer.status, 422)
    assert.deepEqual(await fieldsOf(answer), ['lines.0.quantity', 'lines.0.unitPrice'])
    const sign = await post('/orders', { ...order, invoiceNo: '7', lines: [{ ...order.lines[0], quantity: -2 }] })
    assert.deepEqual(await fieldsOf(sign), ['lines.0.quantity'])
    assert.equal((await post('/orders', '{"broken')).status, 400)
    assert.equal(
      (await post('/orders', JSON.stringify({ pad: 'x'.repeat(1_000_000) }), { connection: 'close' })).status,
      413,
    )
    assert.equal((await fetch(`${url}/documents/7`)).status, 404)
  })

  test('carries the correlation id of the request into the event, and refuses one that is unfit', async () => {
    await post('/orders', { ...order, invoiceNo: '8' }, { 'x-correlation-id': 'request-8' })
    const unfit = await post('/orders', { ...order, invoiceNo: '9' }, { 'x-correlation-id': 'a b' })
    assert.notEqual(unfit.headers.get('x-correlation-id'), 'a b')
    assert.deepEqual(await rows('orders', 'SELECT correlation_id FROM estafet.outbox_messages WHERE key = $1', ['8']), [
      { correlation_id: 'request-8' },
    ])
  })

  test('refuses a body that does not say it is JSON, and text that no database holds', async () => {
    assert.ok((await post('/orders', order, { 'content-type': 'text/plain' })).status >= 400)
    const nul = await post('/orders', { ...order, invoiceNo: '10', country: 'EI\u0000RE' })
    assert.deepEqual([nul.status, await fieldsOf(nul)], [422, ['country']])
    const much = { ...order.lines[0], quantity: 1_000_000, unitPrice: '9999999999' }
    assert.equal((await post('/orders', { ...order, invoiceNo: '10', lines: [much] })).status, 422)
    assert.equal((await fetch(`${url}/documents/10`)).status, 404)
  })

  test('each service keeps to its own database, and the ledger can only be added to', async () => {
    const denied = async (service: 'payments' | 'notifications', statement: string): Promise<unknown> =>
      rows('payments', `SET ROLE ${service}; ${statement}`, []).then(
        () => 'allowed',
        (error: unknown) => (error instanceof pg.DatabaseError ? error.code : error),
      )
    assert.equal(await denied('payments', 'SELECT FROM ledger_entry'), 'allowed')
    assert.equal(await denied('payments', 'DELETE FROM ledger_entry'), '42501')
    assert.equal(await denied('payments', 'UPDATE ledger_entry SET amount = 0'), '42501')
    assert.equal(await denied('notifications', 'SELECT FROM ledger_entry'), '42501')
    assert.deepEqual(
      await rows('payments', `SELECT has_database_privilege('inventory', 'payments', 'CONNECT') AS may`, []),
      [{ may: false }],
    )
  })

  test('serves its OpenAPI document and its health', async () => {
    const document: { paths: object } = JSON.parse(await (await fetch(`${url}/openapi.json`)).text())
    assert.deepEqual(Object.keys(document.paths).sort(), [
      '/adjustments',
      '/counters',
      '/documents/{invoiceNo}',
      '/health/live',
      '/health/ready',
      '/orders',
      '/returns',
      '/summary',
      '/write-offs',
    ])
    assert.equal((await fetch(`${url}/health/live`)).status, 200)
    const summary: readonly { country: string }[] = JSON.parse(await (await fetch(`${url}/summary`)).text())
    assert.equal(summary[0]?.country, 'EIRE')
  })
})

async function fieldsOf(answer: Response): Promise<readonly string[]> {
  const { errors }: { errors: readonly { field: string }[] } = JSON.parse(await answer.text())
  return errors.map(({ field }) => field).toSorted()
}
