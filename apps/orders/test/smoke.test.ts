import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const home = mkdtempSync(join(tmpdir(), 'estafet-orders-'))
after(() => rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Begins a program of the application as its npm script does. */
function begin(program: 'smoke' | 'migrate' | 'main', environment: Record<string, string>) {
  const path = fileURLToPath(new URL(`../${program}.ts`, import.meta.url))
  const child = spawn(process.execPath, ['--conditions=estafet-source', path], {
    env: { PATH: process.env['PATH'], ...environment },
  })
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text))
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, ...said })))
  return { child, said, ended }
}

const steps = [
  ...['engines up', 'order created', 'empty order refused', 'items added', 'stale version refused'],
  ...['order confirmed', 'confirmed order refused', 'past shown', 'own writes read', 'read models right'],
]

test('the smoke test passes on the embedded default', async () => {
  const { code, out, err } = await begin('smoke', {}).ended
  assert.deepEqual(
    out.match(/^\[\w+\] +[^:]+/gm),
    steps.map((step) => `[OK]   ${step}`),
    out + err,
  )
  assert.match(out, /order confirmed: CONFIRMED, 130\.0/)
  assert.equal(code, 0)
})

test('the smoke test fails, step by step, where there is no database', async () => {
  const { code, out } = await begin('smoke', { POSTGRES_URL: 'postgres://nobody:none@127.0.0.1:9/postgres' }).ended
  assert.deepEqual(
    out.match(/^\[\w+\] +[^:]+/gm),
    steps.map((step) => `[FAIL] ${step}`),
  )
  assert.equal(code, 1)
})

test('migrations are a step of their own and applied once; npm start then serves, and keeps its token to this user', async () => {
  const first = await begin('migrate', { ORDERS_HOME: home }).ended
  for (const name of ['orders_users: 0001-users', 'orders_catalog: 0001-products', 'orders_orders: 0001-read-models']) {
    assert.ok(first.out.includes(`applied ${name}`), first.out + first.err)
  }
  const second = await begin('migrate', { ORDERS_HOME: home }).ended
  assert.match(second.out, /Nothing to do/)
  const { child, said, ended } = begin('main', { ORDERS_HOME: home })
  while (!said.err.includes('Ctrl-C ends it')) {
    assert.equal(child.exitCode, null, said.err)
    await sleep(20)
  }
  const [, url = ''] = /API {8}(http:\/\/127\.0\.0\.1:\d+\/)openapi\.json/.exec(said.err) ?? []
  assert.equal((await fetch(`${url}orders/statistics`)).status, 200)
  assert.equal(statSync(join(home, 'ops.json')).mode & 0o777, 0o600)
  child.kill('SIGINT')
  assert.equal((await ended).code, 0)
})

test('settings that cannot be followed end with their names and exit code 2', async () => {
  const environment = { PORT: 'many', POSTGRES_URL: 'http://me:secret@localhost/', ORDERS_HOME: '' }
  const { code, err } = await begin('migrate', environment).ended
  assert.equal(code, 2)
  for (const name of Object.keys(environment)) assert.match(err, new RegExp(`^${name}: `, 'm'))
  assert.doesNotMatch(err, /secret/)
})

test('its README fits on a page', () => {
  const lines = readFileSync(new URL('../README.md', import.meta.url), 'utf8').split('\n')
  assert.ok(lines.length <= 70, `${lines.length} lines`)
})
