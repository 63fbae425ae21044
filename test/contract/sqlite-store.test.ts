import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorCode, event, isEstafetError, service, start } from 'estafet'
import { memoryBell, memoryDatabase, memoryLog, memoryOutbox, memorySession, seededRandom } from 'estafet/memory'
import { migrate, on, type SqliteOptions, type SqliteStore, type SqliteTransaction, sqlite } from 'estafet/sqlite'
import * as z from 'zod'
import { giveWayMs, turns } from '../../src/drivers/sqlite/turns.ts'
import { preparer } from '../../src/outbox/publisher.ts'
import { sqliteContract } from './sqlite-driver.ts'

const contract = sqliteContract()
const stores: SqliteStore[] = []
after(async () => {
  for (const store of stores) await store.close()
  await contract.stop()
})

const isCode = (code: ErrorCode) => (error: unknown) => isEstafetError(error, code)
const opened = (of: string | DatabaseSync, options?: SqliteOptions): SqliteStore => {
  const store = sqlite(of, options)
  stores.push(store)
  return store
}
const insert = (tx: SqliteTransaction, says: string) => tx.run('INSERT INTO effect (says) VALUES (?)', says)
const effects = (store: SqliteStore) =>
  store.transaction(async (tx) => tx.all('SELECT says FROM effect ORDER BY place').map(({ says }) => says))

test('what cannot be a store is MISCONFIGURED, and the sentence says which', async () => {
  const path = contract.path()
  const text = contract.path()
  writeFileSync(text, 'this is no database, and long enough that SQLite looks at all of its header'.repeat(20))
  const empty = contract.path()
  const missing = join(path, 'no', 'such', 'folder.db')
  for (const [of, says] of [
    [missing, /The folder of the SQLite database, .*no.such, does not exist/],
    [text, /is no SQLite database/],
    [':memory:', /is kept in a file/],
    ['', /is kept in a file/],
    [new DatabaseSync(':memory:'), /is kept in a file/],
    [new DatabaseSync(empty, { open: false }), /is not open/],
    [empty, /Migrations are missing .* 0001-lanes, 0002-parking, 0003-inbox\. Run migrate/],
  ] as const) {
    assert.throws(
      () => sqlite(of),
      (error) => isEstafetError(error, 'MISCONFIGURED') && says.test(error.message),
    )
  }
  await assert.rejects(migrate(missing), isCode('MISCONFIGURED'))
  const file = await contract.file()
  assert.throws(() => sqlite(file, { patienceMs: 0 }), /patienceMs \(0\)/)
  assert.throws(() => sqlite(file, { idleInTransactionMs: Number.NaN }), isCode('MISCONFIGURED'))
})

test('migrations are applied once, also by several at a time, and a changed one is named', async () => {
  const path = contract.path()
  const applied = await Promise.all([migrate(path), migrate(path), migrate(path)])
  assert.deepEqual(applied.flatMap(({ applied: names }) => names).toSorted(), [
    '0001-lanes',
    '0002-parking',
    '0003-inbox',
  ])
  assert.deepEqual(await migrate(path), { applied: [] })
  const database = new DatabaseSync(path)
  database.exec(`UPDATE estafet_migration SET checksum = 'another' WHERE number = 2`)
  database.close()
  assert.throws(() => sqlite(path), isCode('SCHEMA_DRIFT'))
  await assert.rejects(migrate(path), /0002-parking/)
})

test('a store sets what its promises rest on: WAL, commits that reach the disk, foreign keys, no long blocking', async () => {
  for (const given of [await contract.file(), new DatabaseSync(await contract.file(), { timeout: 5_000 })]) {
    const store = opened(given)
    const settings = await store.transaction(async (tx) =>
      ['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout'].map(
        (name) => Object.values(tx.get(`PRAGMA ${name}`) ?? {})[0],
      ),
    )
    assert.deepEqual(settings, ['wal', 2, 1, 2])
  }
})

test('values are bound, rows come back, and a changed row is counted', async () => {
  const store = opened(await contract.file())
  const says = `it's; DROP TABLE effect; --`
  const seen = await store.transaction(async (tx) => {
    const { changes, lastInsertRowid } = insert(tx, says)
    return [changes, lastInsertRowid, tx.get('SELECT says FROM effect')?.['says'], tx.get('SELECT 1 WHERE 0')]
  })
  assert.deepEqual(seen, [1, 1, says, undefined])
  assert.deepEqual(await effects(store), [says])
})

test('a transaction is begun and ended by the toolkit alone', async () => {
  const store = opened(await contract.file())
  for (const sql of ['COMMIT', ' ;-- first\n /* then */ end', 'ROLLBACK TO x', 'begin', 'SAVEPOINT x', 'release x']) {
    const careless = store.transaction(async (tx) => {
      insert(tx, 'undone')
      assert.throws(() => tx.run(sql), isCode('UNSUPPORTED'))
    })
    await assert.rejects(careless, isCode('CONFLICT'))
  }
  // These end the transaction within SQLite: what comes after must not be committed by itself.
  const ended = store.transaction(async (tx) => {
    tx.run('INSERT INTO effect (place, says) VALUES (1, ?)', 'undone')
    assert.throws(() => tx.run('INSERT OR ROLLBACK INTO effect (place, says) VALUES (1, ?)', 'undone'), /UNIQUE/)
    assert.throws(() => insert(tx, 'by itself'), isCode('CONFLICT'))
  })
  await assert.rejects(ended, isCode('CONFLICT'))
  assert.deepEqual(await effects(store), [])
})

test('a deferred foreign key that fails at the commit rolls all back, and the next transaction works', async () => {
  const store = opened(await contract.file())
  await store.transaction(async (tx) => {
    tx.run('CREATE TABLE child (of INTEGER REFERENCES effect DEFERRABLE INITIALLY DEFERRED) STRICT')
  })
  const orphan = store.transaction(async (tx) => {
    insert(tx, 'undone')
    tx.run('INSERT INTO child (of) VALUES (77)')
  })
  await assert.rejects(orphan, /FOREIGN KEY/)
  assert.deepEqual(await effects(store), [])
})

test('a transaction that sends nothing for too long is rolled back, and its later statements are refused', async () => {
  const store = opened(await contract.file(), { idleInTransactionMs: 50 })
  const late = Promise.withResolvers<void>()
  const seen: unknown[] = []
  const silent = store.transaction(async (tx) => {
    insert(tx, 'undone')
    await late.promise
    try {
      insert(tx, 'too late')
    } catch (error) {
      seen.push(isEstafetError(error, 'UNAVAILABLE'))
    }
  })
  await assert.rejects(silent, isCode('TIMED_OUT'))
  // While another transaction is open on the same connection: there the late one would do most harm.
  await store.transaction(async (tx) => {
    late.resolve()
    await sleep(1)
    insert(tx, 'kept')
  })
  assert.deepEqual([seen, await effects(store)], [[true], ['kept']])
})

test('trouble of a handler with another database of its own is its own', async () => {
  const store = opened(await contract.file())
  const elsewhere = store.transaction(async () => {
    new DatabaseSync(join(contract.path(), 'missing', 'cache.db'))
  })
  await assert.rejects(elsewhere, (error) => !isEstafetError(error) && error instanceof Error && 'errcode' in error)
})

test('transactions have their turns in the order in which they asked', async () => {
  const store = opened(await contract.file())
  const asked = Array.from({ length: 40 }, (_, at) => at.toString())
  await Promise.all(asked.map((says) => store.transaction(async (tx) => void insert(tx, says))))
  assert.deepEqual(await effects(store), asked)
})

test('a stretch of turns without a pause ends in one: other processes keep no place in our queue', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] })
  let now = 0
  const inTurns = turns(() => now)
  const begun: string[] = []
  const take = async (name: string) => {
    const leave = await inTurns.take(60_000)
    begun.push(name)
    return leave
  }
  const pass = async (ms: number) => {
    now += ms
    t.mock.timers.tick(ms)
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    return begun.join()
  }
  const first = take('first')
  assert.equal(await pass(0), 'first')
  await pass(60)
  ;(await first)()
  const second = take('second')
  assert.equal(await pass(1), 'first,second')
  await pass(60)
  ;(await second)()
  const third = take('third')
  assert.equal(await pass(giveWayMs - 1), 'first,second')
  assert.equal(await pass(1), 'first,second,third')
  // Nobody wanted a turn for long enough: that was a pause.
  await pass(500)
  ;(await third)()
  await pass(giveWayMs)
  void take('fourth')
  assert.equal(await pass(0), 'first,second,third,fourth')
})

test('a row of transactions lets the rest of the process go on', async () => {
  const store = opened(await contract.file())
  let isOver = false
  setImmediate(() => {
    isOver = true
  })
  let times = 0
  while (!isOver && times < 50) {
    await store.transaction(async (tx) => void insert(tx, 'one'))
    times += 1
  }
  assert.ok(times < 50)
})

test('a transaction within another one is refused instead of waiting for it', async () => {
  const store = opened(await contract.file())
  const outer = store.transaction(async (tx) => {
    insert(tx, 'undone')
    await store.transaction(async (inner) => void insert(inner, 'undone'))
  })
  await assert.rejects(outer, isCode('UNSUPPORTED'))
  assert.deepEqual(await effects(store), [])
})

test('another connection with the lock is waited for, without blocking this process, and not for ever', async () => {
  const path = await contract.file()
  const store = opened(path, { patienceMs: 300 })
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  await assert.rejects(
    store.transaction(async (tx) => void insert(tx, 'undone')),
    isCode('UNAVAILABLE'),
  )
  let isDone = false
  const waiting = store
    .transaction(async (tx) => void insert(tx, 'kept'))
    .then(() => {
      isDone = true
    })
  // If this process were blocked, nobody could end the other one's transaction.
  await sleep(20)
  assert.equal(isDone, false)
  other.exec('COMMIT')
  other.close()
  await waiting
  assert.deepEqual(await effects(store), ['kept'])
})

test('two stores on one file both come to their turns, however busy one is', async () => {
  const path = await contract.file()
  const [busy, other] = [opened(path), opened(path)]
  let isOver = false
  const without = async () => {
    while (!isOver) await busy.transaction(async (tx) => void insert(tx, 'busy'))
  }
  const loops = [without(), without()]
  try {
    for (let times = 0; times < 5; times++) await other.transaction(async (tx) => void insert(tx, 'other'))
  } finally {
    isOver = true
    await Promise.all(loops)
  }
  assert.equal((await effects(other)).filter((says) => says === 'other').length, 5)
})

test('a connection that was given is used, and left open when the store is closed', async () => {
  const database = new DatabaseSync(await contract.file())
  database.function('shout', (text) => String(text).toUpperCase())
  const store = opened(database)
  await store.transaction(async (tx) => void tx.run('INSERT INTO effect (says) VALUES (shout(?))', 'loud'))
  assert.deepEqual(await effects(store), ['LOUD'])
  database.exec('BEGIN')
  await assert.rejects(effects(store), isCode('MISCONFIGURED'))
  database.exec('ROLLBACK')
  await store.close()
  await store.close()
  assert.equal(database.isOpen, true)
  await assert.rejects(effects(store), isCode('UNAVAILABLE'))
  database.close()
})

const Done = event('work.done', { version: 1, schema: z.object({ says: z.string() }), key: ({ says }) => says })

test('publishing is UNSUPPORTED, with a sentence that says what to do, and no messages are no trouble', async () => {
  const store = opened(await contract.file())
  assert.throws(
    () => store.prepare([Done({ says: 'it' })]),
    (error) => isEstafetError(error, 'UNSUPPORTED') && /PostgreSQL/.test(error.message),
  )
  await store.transaction(async (tx) => {
    await (await store.prepare([]))(tx)
  })
})

test('a service handles events once; one that takes too long leaves nothing behind, and is tried again', async () => {
  const clock = {
    now: () => Date.now(),
    sleep: (ms: number, signal?: AbortSignal) =>
      sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {}),
  }
  const session = memorySession(memoryDatabase(clock))
  const prepare = preparer({ outbox: memoryOutbox(session, 'orders'), clock, random: seededRandom(1) })
  const tx = session.database.begin('publisher')
  await (await prepare(['a', 'slow', 'b', 'a'].map((says) => Done({ says }))))(tx)
  session.database.commit(tx)
  const store = opened(await contract.file())
  const goesOn = Promise.withResolvers<void>()
  let late: unknown = null
  let tries = 0
  const handler = on(
    Done,
    async ({ data }, { tx: own }) => {
      insert(own, data.says)
      if (data.says !== 'slow' || ++tries > 2) return
      await goesOn.promise
      try {
        insert(own, 'too late')
      } catch (error) {
        late = error
      }
    },
    { timeoutMs: 40, retry: [{ delayed: 5, backOff: { firstMs: 5, maxMs: 10 } }] },
  )
  const running = await start(service<SqliteTransaction>('sqlite', { lanes: 2, handlers: [handler] }), {
    store,
    sources: [{ log: memoryLog(session, 'orders'), wakeUp: () => memoryBell(clock).wakeUp() }],
    pace: { hotMs: 2, busyMs: 5, idleMs: 20 },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })
  try {
    const deadline = performance.now() + 20_000
    while ((await effects(store)).length < 4 && performance.now() < deadline) await sleep(10)
    goesOn.resolve()
    await sleep(1)
    assert.deepEqual((await effects(store)).toSorted(), ['a', 'a', 'b', 'slow'])
    assert.ok(isEstafetError(late, 'UNAVAILABLE'))
  } finally {
    await running.stop()
  }
})
