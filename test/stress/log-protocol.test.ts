import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { event } from 'estafet'
import { migrate, postgresLog, publish } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { logFeed } from '../../src/outbox/log-feed.ts'

const Written = event('stress.written', {
  version: 1,
  schema: z.object({ operation: z.string(), key: z.string() }),
  key: ({ key }) => key,
})

/** Operations in the order a reader saw them, against the order in which the transactions of each key committed. */
interface Finding {
  readonly committed: number
  readonly lost: number
  readonly doubled: number
  readonly inverted: number
}

for (const binaries of allPostgres()) {
  describe(`the log protocol on ${binaries.name}`, () => {
    let server: PostgresServer
    before(async () => {
      server = await temporaryPostgres({ binaries })
    })
    after(() => server.stop())

    test('loses, doubles and inverts nothing, although others hold transactions open in the cluster', async () => {
      const found = await stress(server, 'honest', 4_000, [])
      assert.ok(found.protocol.committed > 300, `only ${found.protocol.committed} operations committed`)
      assert.deepEqual({ ...found.protocol, committed: 0 }, { committed: 0, lost: 0, doubled: 0, inverted: 0 })
      assert.ok(found.naive.lost > 0, 'the mutant "naive cursor" is found')
    })

    test('the mutant "no log lock" is found', () =>
      notices(server, 'no_log_lock', /^ {2}SELECT pg_advisory_xact_lock_shared.*\n/m, ({ lost }) => lost > 0))

    test('the mutant "no key lock" is found', () =>
      notices(
        server,
        'no_key_lock',
        /^ {2}SELECT pg_advisory_xact_lock\([\s\S]*?AS sorted;\n/m,
        ({ inverted }) => inverted > 0,
      ))
  })
}

/** Stresses a mutant until it is found; on a machine with no time to spare one go may have too few races. */
async function notices(
  server: PostgresServer,
  mutant: string,
  without: RegExp,
  isFound: (found: Finding) => boolean,
): Promise<void> {
  for (let go = 1; go <= 5; go++) {
    if (isFound((await stress(server, `${mutant}_${go}`, 3_000, [without])).protocol)) return
  }
  assert.fail(`the mutant ${mutant} was not found`)
}

async function stress(server: PostgresServer, database: string, ms: number, without: readonly RegExp[]) {
  const admin = new pg.Client({ connectionString: server.adminUrl })
  admin.on('error', () => {})
  await admin.connect()
  await admin.query(`CREATE DATABASE ${database}`)
  const url = new URL(server.adminUrl)
  url.pathname = `/${database}`
  const pool = new pg.Pool({ connectionString: url.href, max: 30 })
  pool.on('error', () => {})
  try {
    const owner = await pool.connect()
    await migrate(owner)
    await owner.query('CREATE TABLE tally (key text PRIMARY KEY, n int NOT NULL)')
    await owner.query(`INSERT INTO tally SELECT 'key-' || g, 0 FROM generate_series(0, 9) g`)
    await owner.query('CREATE TABLE truth (operation text, key text, n int)')
    if (without.length > 0) await owner.query(mutated(without))
    owner.release()
    // A foreign transaction that has written, and one that was prepared and forgotten: neither may hold anybody up.
    await admin.query('CREATE TABLE IF NOT EXISTS foreign_table (x int)')
    await admin.query('BEGIN')
    await admin.query('INSERT INTO foreign_table VALUES (1)')
    await admin.query(`PREPARE TRANSACTION 'forgotten'`)
    await admin.query('BEGIN')
    await admin.query('INSERT INTO foreign_table VALUES (2)')
    const ending = new AbortController()
    const readers = [read(pool, ending.signal, 'protocol'), read(pool, ending.signal, 'naive')] as const
    const until = performance.now() + ms
    await Promise.all(Array.from({ length: 12 }, (_, writer) => write(pool, writer, until)))
    await sleep(500)
    ending.abort()
    const [protocol, naive] = await Promise.all(readers)
    await admin.query('ROLLBACK')
    await admin.query(`ROLLBACK PREPARED 'forgotten'`)
    const { rows } = await pool.query<{ operation: string; key: string; n: number }>('SELECT * FROM truth')
    return { protocol: judge(rows, protocol), naive: judge(rows, naive) }
  } finally {
    await pool.end()
    await admin.end()
  }
}

/** The publish function without some of its statements. */
function mutated(without: readonly RegExp[]): string {
  const file = new URL('../../src/drivers/postgres/migrations/0001-log.sql', import.meta.url)
  const text = /CREATE FUNCTION estafet\.publish[\s\S]*?\nEND;/.exec(readFileSync(file, 'utf8'))?.[0] ?? ''
  let changed = text.replace('CREATE FUNCTION', 'CREATE OR REPLACE FUNCTION')
  for (const pattern of without) {
    assert.match(changed, pattern)
    changed = changed.replace(pattern, '')
  }
  return changed
}

async function write(pool: pg.Pool, writer: number, until: number): Promise<void> {
  const client = await pool.connect()
  for (let at = 0; performance.now() < until; at++) {
    const write = { operation: `${writer}/${at}`, key: `key-${Math.floor(Math.random() * 10)}` }
    await client.query('BEGIN')
    if (Math.random() < 0.5) await client.query('SELECT pg_current_xact_id()')
    if (Math.random() < 0.3) {
      await client.query('SAVEPOINT s')
      await publish(client, Written({ ...write, operation: 'undone' }))
      await client.query('ROLLBACK TO SAVEPOINT s')
    }
    await publish(client, Written(write))
    if (Math.random() < 0.3) await sleep(Math.random() * 8)
    // The row lock puts the commits of a key in the order of n: the truth, which the log must agree with.
    await client.query(
      `WITH next AS (UPDATE tally SET n = n + 1 WHERE key = $2 RETURNING n) INSERT INTO truth SELECT $1, $2, n FROM next`,
      [write.operation, write.key],
    )
    if (Math.random() < 0.3) await sleep(Math.random() * 4)
    await client.query(Math.random() < 0.1 ? 'ROLLBACK' : 'COMMIT')
  }
  client.release()
}

async function read(pool: pg.Pool, signal: AbortSignal, how: 'protocol' | 'naive'): Promise<readonly string[]> {
  const { log } = postgresLog(pool, { source: 'stress' })
  const feed = logFeed(log, { lanes: 1 })
  const seen: string[] = []
  let cursor = 0n
  for (;;) {
    const isLast = signal.aborted
    if (how === 'protocol') await feed.advance()
    const whole = { after: cursor, upTo: 1_000_000_000n, limit: 500, topics: null, lane: { index: 0, count: 1 } }
    const messages =
      how === 'protocol'
        ? (await feed.fetch(0, cursor, 500)).deliveries.map(({ message }) => message)
        : await log.read(whole)
    for (const message of messages) {
      seen.push(Written.receive(message).data.operation)
      cursor = message.position
    }
    if (isLast && messages.length === 0) return seen
    await sleep(1)
  }
}

function judge(truth: readonly { operation: string; key: string; n: number }[], seen: readonly string[]): Finding {
  const known = new Map(truth.map((row) => [row.operation, row]))
  const unique = new Set(seen)
  const last = new Map<string, number>()
  let inverted = 0
  for (const operation of seen) {
    const row = known.get(operation)
    if (row === undefined) continue
    if (row.n < (last.get(row.key) ?? 0)) inverted += 1
    last.set(row.key, row.n)
  }
  const lost = truth.filter(({ operation }) => !unique.has(operation)).length
  return { committed: truth.length, lost, doubled: seen.length - unique.size, inverted }
}
