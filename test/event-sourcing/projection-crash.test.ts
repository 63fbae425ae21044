import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { ended } from '../crash/ended.ts'
import type { ProjectionChildOptions } from './projection-child.ts'
import {
  Account,
  balances,
  foldedByHand,
  inCents,
  type ProjectionSystem,
  projectionSystem,
  read,
} from './projection-system.ts'

describe('a process that keeps a read model up to date', () => {
  let server: PostgresServer
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => server.stop())

  interface Processes extends ProjectionSystem {
    begin(options: Omit<ProjectionChildOptions, 'url'>): ChildProcess
    book(times: number): Promise<bigint | null>
  }

  async function within(work: (system: Processes) => Promise<void>): Promise<void> {
    const system = await projectionSystem(server, 'crash')
    const children: ChildProcess[] = []
    const begin: Processes['begin'] = (options) => {
      const whole: ProjectionChildOptions = { ...options, url: system.url }
      const child = fork(new URL('projection-child.ts', import.meta.url), {
        env: { ...process.env, PROJECTION_CHILD: JSON.stringify(whole) },
        execArgv: ['--conditions=estafet-source'],
        stdio: 'ignore',
      })
      children.push(child)
      return child
    }
    const book: Processes['book'] = async (times) => {
      let position: bigint | null = null
      for (let at = 0; at < times; at++) ({ position } = await system.streams.handle(Account, `a-${at % 5}`, 1))
      return position
    }
    try {
      await work({ ...system, begin, book })
    } finally {
      for (const child of children) child.kill('SIGKILL')
      await Promise.all(children.map((child) => ended(child)))
      await system.stop()
    }
  }

  for (const point of ['begun', 'before save', 'after save', 'before commit', 'after commit']) {
    test(`killed "${point}" in the middle of a rebuild counts each event once`, () =>
      within(async ({ begin, book, people, pool, start }) => {
        const first = await start([balances(1, { lanes: 2 })])
        await people.waitFor('balances', await book(60), { timeoutMs: 60_000 })
        await first.stop()
        const killed = begin({ versions: [2], fail: { point, times: 6 } })
        assert.equal(await ended(killed), 'SIGKILL')
        assert.deepEqual(await read(pool), await foldedByHand(pool), 'the old version serves')
        await switched({ begin, people }, [2])
        assert.deepEqual(await read(pool), inCents(await foldedByHand(pool)))
      }))
  }

  for (const point of [
    'before set-up',
    'after set-up',
    'begun to build',
    'in check',
    'before switch',
    'switched',
    'serving',
  ]) {
    test(`killed "${point}" leaves what serves whole, and another process goes on`, () =>
      within(async ({ begin, book, people, pool, start }) => {
        const first = await start([balances(1, { lanes: 2 })])
        await people.waitFor('balances', await book(20), { timeoutMs: 60_000 })
        await first.stop()
        assert.equal(await ended(begin({ versions: [2], fail: { point, times: 1 } })), 'SIGKILL')
        const whole = await foldedByHand(pool)
        assert.deepEqual(await read(pool), point === 'serving' ? inCents(whole) : whole)
        await switched({ begin, people }, [2])
        await people.waitFor('balances', await book(5), { timeoutMs: 60_000 })
        assert.deepEqual(await read(pool), inCents(await foldedByHand(pool)))
      }))
  }

  test('frozen beyond its lease does no harm when it goes on: the count is exact', () =>
    within(async ({ begin, book, people, pool, until, status }) => {
      const frozen = begin({ versions: [1], fail: null })
      await until('it has begun', async () => (await status('balances', 1))?.state === 'serving')
      await people.waitFor('balances', await book(10), { timeoutMs: 60_000 })
      const booking = book(150)
      await sleep(150)
      frozen.kill('SIGSTOP')
      const other = begin({ versions: [1], fail: null })
      await people.waitFor('balances', await booking, { timeoutMs: 60_000 })
      frozen.kill('SIGCONT')
      // Now the other way round, while the first one still believes in its lanes.
      other.kill('SIGSTOP')
      const position = await book(50)
      await people.waitFor('balances', position, { timeoutMs: 60_000 })
      other.kill('SIGCONT')
      await sleep(1_500)
      await people.waitFor('balances', await book(3), { timeoutMs: 60_000 })
      assert.deepEqual(await read(pool), await foldedByHand(pool))
    }))

  test('that ends at one event again and again says at which, and goes on when it is mended', () =>
    within(async ({ begin, book, streams, people, pool, until, status }) => {
      const first = begin({ versions: [1], fail: null, deadlyAmount: 13 })
      await switchedTo(people, 1)
      await people.waitFor('balances', await book(3), { timeoutMs: 60_000 })
      const { position } = await streams.handle(Account, 'a-0', 13)
      assert.equal(await ended(first), 'SIGKILL')
      for (let deaths = 0; deaths < 2; deaths++) {
        assert.equal(await ended(begin({ versions: [1], fail: null, deadlyAmount: 13 })), 'SIGKILL')
      }
      const [stop] = (await status('balances', 1))?.stops ?? []
      assert.deepEqual([stop?.errorName, stop?.position], ['CRASHED', position])
      begin({ versions: [1], fail: null })
      await people.waitFor('balances', await book(1), { timeoutMs: 60_000 })
      assert.deepEqual(await read(pool), await foldedByHand(pool))
      await until('the stop is over', async () => (await status('balances', 1))?.stops.length === 0)
    }))

  test('whose connections are ended again and again counts each event once', () =>
    within(async ({ begin, book, people, pool, until, status }) => {
      begin({ versions: [1], fail: null })
      begin({ versions: [1], fail: null })
      await until('they have begun', async () => (await status('balances', 1))?.state === 'serving')
      let cut = 0
      const bookOn = async (): Promise<bigint | null> => {
        const position = await book(10)
        return cut < 20 ? bookOn() : position
      }
      const booking = bookOn()
      await until('20 were ended', async () => {
        // Whatever they are doing, also in the middle of a batch.
        const { rowCount } = await pool.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name = 'projection-child' AND datname = current_database() ORDER BY random() LIMIT 1`)
        cut += rowCount ?? 0
        await sleep(20)
        return cut >= 20
      })
      await people.waitFor('balances', await booking, { timeoutMs: 60_000 })
      assert.deepEqual(await read(pool), await foldedByHand(pool))
    }))
})

async function switched(
  {
    begin,
    people,
  }: { begin: (options: Omit<ProjectionChildOptions, 'url'>) => unknown } & Pick<ProjectionSystem, 'people'>,
  versions: readonly number[],
): Promise<void> {
  begin({ versions, fail: null })
  await switchedTo(people, 2)
}

async function switchedTo(people: ProjectionSystem['people'], wanted: number): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!(await people.list()).some(({ version, state }) => version === wanted && state === 'serving')) {
    assert.ok(performance.now() < deadline, `version ${wanted} never served`)
    await sleep(20)
  }
}
