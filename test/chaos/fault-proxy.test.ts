import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { type FaultProxy, faultProxy } from './fault-proxy.ts'

let server: PostgresServer
let direct: pg.Client

before(async () => {
  server = await temporaryPostgres()
  direct = new pg.Client({ connectionString: server.adminUrl })
  await direct.connect()
  await direct.query('CREATE TABLE note (text text)')
})
after(async () => {
  await direct.end()
  await server.stop()
})

test('with no fault, requests and answers pass, large ones too', () =>
  within(async (_, client) => {
    const { rows } = await client.query<{ size: number }>('SELECT length($1::text) AS size', ['x'.repeat(3_000_000)])
    assert.equal(rows[0]?.size, 3_000_000)
    const back = await client.query<{ text: string }>(`SELECT repeat('y', 3000000) AS text`)
    assert.equal(back.rows[0]?.text.length, 3_000_000)
  }))

test('latency delays each way, and keeps the order', () =>
  within(async (proxy, client) => {
    proxy.set({ kind: 'latency', ms: 60 })
    const begun = performance.now()
    await client.query('SELECT 1')
    assert.ok(performance.now() - begun >= 119, 'there and back')
    proxy.set({ kind: 'off' })
    const { rows } = await client.query<{ n: number }>('SELECT n FROM generate_series(1, 20000) AS n')
    assert.deepEqual(
      rows.map(({ n }) => n),
      Array.from({ length: 20_000 }, (_, at) => at + 1),
    )
  }))

test('a reset ends what is open with RST, and whatever comes while it lasts', () =>
  within(async (proxy, client) => {
    const running = client.query('SELECT pg_sleep(30)')
    const ends = assert.rejects(running, { code: 'ECONNRESET' })
    await sleep(50)
    proxy.set({ kind: 'reset' })
    await ends
    await assert.rejects(connected(proxy))
    proxy.set({ kind: 'off' })
    const next = await connected(proxy)
    await next.query('SELECT 1')
    await next.end()
  }))

test('one connection can be failed alone', () =>
  within(async (proxy, client) => {
    const other = await connected(proxy)
    const [first] = proxy.connections()
    first?.set({ kind: 'reset' })
    await assert.rejects(client.query('SELECT 1'))
    await other.query('SELECT 1')
    assert.equal(proxy.connections().length, 1)
    await other.end()
  }))

test('a swallowed answer: the server has committed, and the client is not told', () =>
  within(async (proxy, client) => {
    proxy.set({ kind: 'swallow', request: 'COMMIT' })
    await client.query('BEGIN')
    await client.query(`INSERT INTO note VALUES ('swallowed')`)
    await assert.rejects(client.query('COMMIT'), { code: 'ECONNRESET' })
    assert.equal(proxy.swallowed(), 1)
    const { rowCount } = await direct.query(`SELECT FROM note WHERE text = 'swallowed'`)
    assert.equal(rowCount, 1)
  }))

test('a cut request: the server hears what came before it, and nothing of it', () =>
  within(async (proxy, client) => {
    await client.query('CREATE SEQUENCE heard')
    proxy.set({ kind: 'cut', request: 'COMMIT' })
    await client.query('BEGIN')
    await client.query(`INSERT INTO note VALUES ('cut')`)
    await client.query(`SELECT nextval('heard')`)
    await assert.rejects(client.query('COMMIT'), { code: 'ECONNRESET' })
    const { rows } = await direct.query<{ heard: string; kept: string }>(
      `SELECT (SELECT last_value FROM heard)::text AS heard, (SELECT count(*) FROM note WHERE text = 'cut')::text AS kept`,
    )
    assert.deepEqual(rows, [{ heard: '1', kept: '0' }])
  }))

test('half-open: nothing moves and nothing closes, until it heals', () =>
  within(async (proxy, client) => {
    proxy.set({ kind: 'half-open' })
    let answered = false
    const asked = client.query(`INSERT INTO note VALUES ('half-open')`).then(() => {
      answered = true
    })
    const waiting = new pg.Client({ connectionString: addressOf(proxy), connectionTimeoutMillis: 200 })
    waiting.on('error', () => {})
    await assert.rejects(waiting.connect(), /timeout/)
    assert.equal(answered, false)
    const before = await direct.query(`SELECT FROM note WHERE text = 'half-open'`)
    assert.equal(before.rowCount, 0)
    proxy.set({ kind: 'off' })
    await asked
  }))

test('half-open: the server does not notice that its client went away', () =>
  within(async (proxy, client) => {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const pid = rows[0]?.pid
    const isThere = async () =>
      (await direct.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid])).rowCount === 1
    proxy.set({ kind: 'half-open' })
    client.connection.stream.destroy()
    await sleep(200)
    assert.equal(await isThere(), true)
    proxy.set({ kind: 'reset' })
    while (await isThere()) await sleep(20)
  }))

async function within(work: (proxy: FaultProxy, client: Client) => Promise<void>): Promise<void> {
  const proxy = await faultProxy(server.port)
  const client = await connected(proxy)
  try {
    await work(proxy, client)
  } finally {
    await proxy.close()
  }
}

/** A client whose socket can be reached, to end it without a word. */
type Client = pg.Client & { readonly connection: pg.Connection }

async function connected(proxy: FaultProxy): Promise<Client> {
  const client = new pg.Client({ connectionString: addressOf(proxy) })
  client.on('error', () => {})
  await client.connect()
  return Object.assign(client, { connection: connectionOf(client) })
}

function connectionOf(client: pg.Client): pg.Connection {
  const connection: unknown = 'connection' in client ? client.connection : null
  assert.ok(connection instanceof pg.Connection)
  return connection
}

function addressOf(proxy: FaultProxy): string {
  const url = new URL(server.adminUrl)
  url.port = String(proxy.port)
  return url.href
}
