import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { event } from 'estafet'
import { migrate as migrateSource, postgres } from 'estafet/postgres'
import { migrate } from 'estafet/sqlite'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../../engines/postgres/provision.ts'
import type { PostgresServer } from '../../engines/postgres/server.ts'
import { ended } from './ended.ts'
import type { SqliteChildOptions } from './sqlite-child.ts'
import { crashServer } from './system.ts'

const Done = event('work.done', {
  version: 1,
  schema: z.object({ operation: z.number(), key: z.string() }),
  key: ({ key }) => key,
})
const operations = 40
const home = mkdtempSync(join(tmpdir(), 'estafet-sqlite-crash-'))
let server: PostgresServer
let systems = 0

before(async () => {
  server = await crashServer()
})
after(async () => {
  await server.stop()
  rmSync(home, { recursive: true, force: true })
})

for (const [point, times] of [
  ['after take', 2],
  ['before begin', 3],
  ['begun', 3],
  ['in handler', 3],
  ['before save', 3],
  ['after save', 3],
  ['before commit', 3],
  ['after commit', 3],
  ['after park', 1],
  ['attempt begun', 2],
  ['attempt failing', 1],
  ['attempt failed', 1],
  ['attempt applied', 1],
] as const) {
  test(`a subscriber with a SQLite store killed "${point}" takes every effect once, in order`, () =>
    within(async (system) => {
      await system.publish(0, operations)
      assert.equal(await ended(system.begin({ point, times })), 'SIGKILL')
      system.begin()
      assertOnce(await system.settled(operations), operations)
    }))
}

test('two processes on one SQLite file share the lanes, and one takes over from the other when that is killed', () =>
  within(async (system) => {
    const [first, second] = [system.begin(), system.begin()]
    await system.until(() => system.owners() === 2)
    await system.publish(0, operations)
    const shared = await system.settled(operations)
    assert.deepEqual(new Set(shared.map(({ process }) => process)), new Set([first.pid, second.pid]))
    const publishing = system.publish(operations, 3 * operations)
    await system.settled(operations + 10)
    first.kill('SIGKILL')
    await publishing
    assertOnce(await system.settled(3 * operations), 3 * operations)
  }))

test('a process frozen with a SQLite file open does no harm when it goes on', () =>
  within(async (system) => {
    const frozen = system.begin()
    const publishing = system.publish(0, 3 * operations)
    await system.settled(10)
    frozen.kill('SIGSTOP')
    system.begin()
    await publishing
    await sleep(1_500)
    frozen.kill('SIGCONT')
    assertOnce(await system.settled(3 * operations), 3 * operations)
    // What it was about to do comes now, if it comes at all.
    await sleep(500)
    assertOnce(await system.settled(3 * operations), 3 * operations)
  }))

interface Effect {
  readonly operation: number
  readonly process: number
}

interface System {
  publish(from: number, to: number): Promise<void>
  begin(fail?: SqliteChildOptions['fail']): ChildProcess
  /** How many processes hold a lane. */
  owners(): number
  until(holds: () => boolean): Promise<void>
  /** Resolves with what took effect, in order, once that is enough or time is up. */
  settled(count: number): Promise<readonly Effect[]>
}

async function within(work: (system: System) => Promise<void>): Promise<void> {
  const name = `crash_sqlite_${systems++}`
  const file = join(home, `${name}.db`)
  await migrate(file)
  const database = new DatabaseSync(file, { timeout: 5_000 })
  // Without a unique constraint: an effect that happened twice must show.
  database.exec(
    'CREATE TABLE effect (place INTEGER PRIMARY KEY AUTOINCREMENT, operation INTEGER, process INTEGER) STRICT',
  )
  const source = await newDatabase(server.adminUrl, name)
  const pool = new pg.Pool({ connectionString: source, max: 2 })
  const owner = await pool.connect()
  await migrateSource(owner)
  owner.release()
  const store = postgres(pool)
  const children: ChildProcess[] = []
  const system: System = {
    async publish(from, to) {
      for (let operation = from; operation < to; operation++) {
        await store.transaction(async (_, publish) => publish(Done({ operation, key: `key-${operation % 5}` })))
      }
    },
    begin(fail = null) {
      const options: SqliteChildOptions = { source, file, fail }
      const child = fork(new URL('sqlite-child.ts', import.meta.url), {
        env: { ...process.env, CRASH_CHILD: JSON.stringify(options) },
        execArgv: ['--conditions=estafet-source'],
        stdio: 'ignore',
      })
      children.push(child)
      return child
    },
    owners: () => Number(database.prepare('SELECT count(DISTINCT owner) AS n FROM estafet_lane').get()?.['n']),
    async until(holds) {
      const deadline = performance.now() + 30_000
      while (!holds() && performance.now() < deadline) await sleep(20)
    },
    async settled(count) {
      let effects: readonly Effect[] = []
      await system.until(() => {
        const rows = database.prepare('SELECT operation, process FROM effect ORDER BY place').all()
        effects = rows.map((row) => ({ operation: Number(row['operation']), process: Number(row['process']) }))
        return new Set(effects.map(({ operation }) => operation)).size >= count
      })
      return effects
    },
  }
  try {
    await work(system)
  } finally {
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(children.map((child) => ended(child)))
    database.close()
    await pool.end()
  }
}

function assertOnce(found: readonly Effect[], count: number): void {
  const effects = found.map(({ operation }) => operation)
  assert.deepEqual(
    effects.toSorted((a, b) => a - b),
    Array.from({ length: count }, (_, at) => at),
  )
  for (let key = 0; key < 5; key++) {
    const ofKey = effects.filter((operation) => operation % 5 === key)
    assert.deepEqual(
      ofKey,
      ofKey.toSorted((a, b) => a - b),
      `key ${key} in order`,
    )
  }
}
