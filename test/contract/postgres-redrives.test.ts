import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { postgresRedrives } from '../../src/drivers/postgres/redrives.ts'
import type { Decision } from '../../src/ports/decision.ts'
import type { Redrive } from '../../src/ports/redrives.ts'
import { messageOf, type ParkedWorld, parkedServer, subscription } from '../ops/parked-world.ts'

const decision = (requestId: string): Decision => ({ who: 'ada', reason: 'mended', requestId })
const page = { after: null, limit: 50 }
const plain = { selection: {}, isCanary: false, rate: null }

for (const binaries of allPostgres()) {
  describe(`redrives on ${binaries.name}`, () => {
    let server: Awaited<ReturnType<typeof parkedServer>>
    let world: ParkedWorld
    before(async () => {
      server = await parkedServer(binaries)
    })
    beforeEach(async () => {
      world = await server.fresh()
    })
    after(() => server.stop())

    const audit = async (): Promise<readonly string[]> =>
      (await world.operations.audit.list(subscription, page)).items.map(
        ({ who, action, count }) => `${who} ${action} ${count}`,
      )
    const newest = async (): Promise<Redrive> => {
      const [job] = (await world.operations.redrives.list(subscription, { after: null, limit: 1 })).items
      assert.ok(job !== undefined)
      return job
    }
    /** Tries each key that is due, as the retry loop does, and says how many were. */
    const tryDue = async (comesTo: 'applied' | 'failed'): Promise<number> => {
      const { keys } = await world.store.retries.due(world.group, [0], 1000)
      for (const key of keys) await world.attempt(key, comesTo)
      return keys.length
    }

    /** Lets requests begin while what they want is locked, until every one of them waits: then none is before another. */
    const allAtOnce = async <Result>(begin: () => readonly Promise<Result>[]): Promise<readonly Promise<Result>[]> => {
      await world.owner.query('BEGIN')
      await world.owner.query('SELECT FROM estafet.parked_message FOR UPDATE')
      const begun = begin()
      const deadline = performance.now() + 30_000
      for (let waiting = 0; waiting < begun.length; ) {
        assert.ok(performance.now() < deadline, `${waiting} wait`)
        const { rows } = await world.owner.query<{ waiting: number }>(
          `SELECT count(DISTINCT l.pid)::int AS waiting FROM pg_locks AS l WHERE NOT l.granted`,
        )
        waiting = rows[0]?.waiting ?? 0
      }
      await world.owner.query('COMMIT')
      return begun
    }

    test('starts once, however often and at the same time it is asked for', async () => {
      const { redrives, deadLetters } = world.operations
      await world.parkDead(4)
      const wrong = await redrives.start(subscription, { ...plain, expected: 3 }, decision('r0'))
      assert.deepEqual(wrong, { outcome: 'changed', count: 4, number: null })
      assert.deepEqual([await audit(), (await redrives.list(subscription, page)).items], [[], []])
      const clicking = await allAtOnce(() =>
        [1, 2, 3].map(() => redrives.start(subscription, { ...plain, expected: 4 }, decision('r1'))),
      )
      const clicks = await Promise.all(clicking)
      assert.deepEqual(clicks.map(({ outcome }) => outcome).sort(), ['done', 'repeated', 'repeated'])
      assert.equal(new Set(clicks.map(({ number }) => number)).size, 1)
      assert.deepEqual(await audit(), ['ada redrive 4'])
      // All of them are taken care of: another job finds none.
      assert.equal(await deadLetters.count(subscription, {}, 'free'), 0)
      const second = await redrives.start(subscription, { ...plain, expected: 4 }, decision('r2'))
      assert.deepEqual([second.outcome, second.count], ['changed', 0])
      const other = { ...plain, selection: { key: 'k1' }, expected: 1 }
      assert.equal((await redrives.start(subscription, other, decision('r1'))).outcome, 'reused')
    })

    test('two jobs that want the same messages at once do not share any', async () => {
      await world.parkDead(10)
      const { redrives } = world.operations
      const starting = await allAtOnce(() =>
        ['a', 'b'].map((id) => redrives.start(subscription, { ...plain, expected: 10 }, decision(id))),
      )
      const starts = await Promise.all(starting)
      assert.deepEqual(starts.map(({ outcome, count }) => `${outcome} ${count}`).sort(), ['changed 0', 'done 10'])
    })

    test('brings the same message back, tried once, also one that blocked nothing', async () => {
      const { redrives, deadLetters } = world.operations
      await world.parkDead(1, { isBlocking: false })
      assert.equal(await tryDue('applied'), 0)
      await redrives.start(subscription, { ...plain, expected: 1 }, decision('r'))
      assert.equal(await redrives.step(subscription), true)
      const attempt = await world.attempt('k0', 'failed')
      assert.deepEqual([attempt?.message.id, attempt?.tries, attempt?.isRedriven], ['m-1', 1, true])
      assert.equal(await redrives.step(subscription), false)
      const job = await newest()
      assert.deepEqual([job.state, job.failed, job.applied], ['done', 1, 0])
      const found = await deadLetters.find(subscription, 1n)
      assert.deepEqual([found?.state, found?.attempts, found?.history.length], ['dead', 2, 2])
      assert.deepEqual(await audit(), ['ada redrive done 0', 'ada redrive 1'])
    })

    test('a canary releases 1, then 10, then the rest, each when all before were applied', async () => {
      const { redrives } = world.operations
      await world.parkDead(30)
      await redrives.start(subscription, { ...plain, isCanary: true, expected: 30 }, decision('r'))
      const released: number[] = []
      for (let step = 0; step < 5; step++) {
        await redrives.step(subscription)
        // Stepping again, from anywhere, releases nothing more.
        await redrives.step(subscription)
        released.push(await tryDue('applied'))
      }
      assert.deepEqual(released, [1, 10, 19, 0, 0])
      const job = await newest()
      assert.deepEqual([job.state, job.applied], ['done', 30])
      assert.deepEqual(await audit(), ['ada redrive done 30', 'ada redrive 30'])
    })

    test('a canary stops at the first that fails, and what it did not release can be redriven again', async () => {
      const { redrives, deadLetters } = world.operations
      await world.parkDead(30)
      await redrives.start(subscription, { ...plain, isCanary: true, expected: 30 }, decision('r'))
      await redrives.step(subscription)
      await tryDue('applied')
      await redrives.step(subscription)
      await world.attempt((await world.store.retries.due(world.group, [0], 1)).keys[0] ?? '', 'failed')
      assert.equal(await redrives.step(subscription), false)
      const job = await newest()
      assert.deepEqual([job.state, job.applied, job.failed, job.cancelled, job.pending], ['stopped', 1, 1, 19, 0])
      // Those that were under way are tried all the same.
      assert.equal(await tryDue('applied'), 9)
      assert.equal(await deadLetters.count(subscription, {}, 'free'), 20)
      assert.deepEqual((await audit()).at(0), 'ada redrive stopped 1')
      assert.equal(
        (await redrives.change(subscription, job.number, 'running', { who: 'ada', reason: null })).outcome,
        'changed',
      )
    })

    test('keeps to its rate, and loses nothing of it between the steps', async () => {
      const { redrives } = world.operations
      await world.parkDead(40)
      await redrives.start(subscription, { ...plain, rate: 10, expected: 40 }, decision('r'))
      const counts: number[] = []
      // The database's clock is what decides, so it is the past that is moved, and not the test that waits.
      const later = (ms: number) =>
        world.owner.query(
          `UPDATE estafet.redrive SET last_released_at = last_released_at - $1::int * interval '1 millisecond'`,
          [ms],
        )
      for (const ms of [0, 400, 60_000]) {
        await later(ms)
        await redrives.step(subscription)
        counts.push((await newest()).released)
      }
      const [first = 0, second = 0, third = 0] = counts
      assert.equal(first, 1)
      assert.ok(second >= 5 && second <= 15, `${second} after 0.4 s and what the test took, at most 1 s`)
      assert.equal(third, second + 10)
    })

    test('pauses, goes on and is cancelled, each audited once', async () => {
      const { redrives, deadLetters } = world.operations
      await world.parkDead(3)
      const { number } = await redrives.start(subscription, { ...plain, expected: 3 }, decision('r'))
      const change = (to: 'paused' | 'running' | 'cancelled') =>
        redrives.change(subscription, number ?? 0n, to, { who: 'bob', reason: null })
      assert.deepEqual(await change('paused'), { outcome: 'done', state: 'paused' })
      assert.deepEqual(await change('paused'), { outcome: 'repeated', state: 'paused' })
      await redrives.step(subscription)
      assert.equal(await tryDue('applied'), 0)
      assert.equal((await change('running')).outcome, 'done')
      assert.equal((await change('cancelled')).outcome, 'done')
      assert.deepEqual(await change('running'), { outcome: 'changed', state: 'cancelled' })
      assert.equal(
        (await redrives.change('another', number ?? 0n, 'paused', { who: 'eve', reason: null })).outcome,
        'missing',
      )
      assert.equal(await redrives.step(subscription), false)
      assert.equal(await deadLetters.count(subscription, {}, 'free'), 3)
      assert.deepEqual(await audit(), [
        ...['bob redrive cancelled 0', 'bob redrive running 0', 'bob redrive paused 0', 'ada redrive 3'],
      ])
    })

    test('leaves alone what a person discarded or edited before it was released', async () => {
      const { redrives, decisions } = world.operations
      await world.parkDead(4)
      await redrives.start(subscription, { ...plain, expected: 4 }, decision('r'))
      await decisions.discard(subscription, { numbers: [1n] }, 1, decision('d'))
      await decisions.edit(subscription, { number: 2n, id: 'n', payload: '{}', fields: [] }, decision('e'))
      await redrives.step(subscription)
      assert.equal(await tryDue('applied'), 3)
      await redrives.step(subscription)
      const job = await newest()
      assert.deepEqual([job.state, job.applied, job.cancelled], ['done', 2, 2])
    })

    test('ends complete when its process dies between any two steps and others go on', async () => {
      await world.parkDead(200)
      for (let at = 1; at <= 20; at++) await world.park(messageOf(500 + at, `k${at}`), null)
      const clients = await Promise.all([1, 2, 3].map(() => world.pool.connect()))
      await world.operations.redrives.start(subscription, { ...plain, isCanary: true, expected: 200 }, decision('r'))
      let steps = 0
      for (let isRunning = true; isRunning; steps++) {
        assert.ok(steps < 50, 'it does not end')
        const [dying, ...others] = clients
        // One takes the step and dies before its commit: nothing happened. Meanwhile the job is another's to skip.
        await dying?.query('BEGIN')
        await dying?.query('SELECT estafet.step_redrives($1)', [subscription])
        const before = await newest()
        assert.equal(await postgresRedrives(others[0] ?? world.pool).step(subscription), true)
        assert.deepEqual(await newest(), before)
        await dying?.query('ROLLBACK')
        const stepped = await Promise.all(others.map((client) => postgresRedrives(client).step(subscription)))
        isRunning = stepped.every((hasMore) => hasMore)
        while ((await tryDue('applied')) > 0) {}
      }
      for (const client of clients) client.release()
      const job = await newest()
      assert.deepEqual([job.state, job.applied, job.failed, job.pending], ['done', 200, 0, 0])
      const { rows } = await world.pool.query(
        `SELECT state, count(*)::int AS count, max(attempts) AS attempts FROM estafet.parked_message GROUP BY state`,
      )
      assert.deepEqual(rows, [{ state: 'applied', count: 200, attempts: 2 }])
      assert.deepEqual((await world.operations.control.parkedKeys(subscription, page)).items, [])
      assert.deepEqual(await audit(), ['ada redrive done 200', 'ada redrive 200'])
    })
  })
}
