import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { HandlerOptions, Running } from 'estafet'
import { on, postgres } from 'estafet/postgres'
import { Done, type FailureSystem, failureSystem, until } from './system.ts'

/** What a handler fails with, by key; the others take effect. */
type Faults = (step: { readonly key: string; readonly number: number }) => void

describe('blame', () => {
  let system: FailureSystem
  let running: Running | null = null

  before(async () => {
    system = await failureSystem()
  })
  beforeEach(async () => {
    await system.subscriber.query(
      'TRUNCATE effect; TRUNCATE estafet.parked_key; TRUNCATE estafet.parked_message CASCADE; CREATE TABLE IF NOT EXISTS shared (id int PRIMARY KEY, n int)',
    )
  })
  afterEach(async () => {
    await running?.stop()
    running = null
  })
  after(() => system.stop())

  const begin = (fail: Faults, options: HandlerOptions, more: object = {}): Promise<Running> =>
    system.begin(
      [
        on(
          Done,
          async ({ data }, { tx }) => {
            fail(data)
            await system.note(tx, data)
          },
          options,
        ),
      ],
      more,
    )

  test('is not laid at other messages: one type of failure for good does not stop the lane', async () => {
    running = await begin(
      ({ key }) => {
        if (key.startsWith('declined')) throw Object.assign(new Error('declined'), { name: 'CardDeclined' })
      },
      { retry: [{ errors: ['CardDeclined'], immediate: 0, delayed: 0, whenDead: 'skip' }] },
    )
    await system.publish(...Array.from({ length: 12 }, (_, at) => [`declined-${at}`, 1] as const))
    await system.publish(...Array.from({ length: 10 }, (_, at) => [`good-${at}`, 1] as const))
    await until(async () => (await system.effects()).length === 10)
    await until(async () => (await system.parked()).filter(({ state }) => state === 'dead').length === 12)
  })

  test('is not laid at the database: a statement of the handler that is wrong parks its message', async () => {
    running = await system.begin([
      on(
        Done,
        async ({ data }, { tx }) => {
          // One more than the protocol can carry.
          const values = Array.from({ length: 70_000 }, (_, at) => at)
          if (data.key === 'wrong') await tx.query(`SELECT ${values.map((at) => `$${at + 1}`).join()}`, values)
          await system.note(tx, data)
        },
        { retry: [{ immediate: 0, delayed: 0 }] },
      ),
    ])
    await system.publish(['wrong', 1], ['good', 1])
    await until(async () => (await system.parked()).some(({ state }) => state === 'dead'))
    await until(async () => (await system.effects('good')).length === 1)
  })

  test('does not grow in an outage: tries made while many fail are not taken off a budget', async () => {
    let isDown = true
    running = await begin(
      () => {
        if (isDown) throw new Error('down')
      },
      { retry: [{ immediate: 0, delayed: 2, backOff: { firstMs: 5, maxMs: 10 } }] },
      { breaker: { pauseMs: 20, maxPauseMs: 40 } },
    )
    const keys = Array.from({ length: 8 }, (_, at) => `k${at}`)
    await system.publish(...keys.map((key) => [key, 1] as const))
    await until(async () => (running?.counters().retried ?? 0) > 60)
    isDown = false
    await until(async () => (await system.effects()).length === 8)
    const { rows } = await system.subscriber.query('SELECT max(attempts) AS most FROM estafet.parked_message')
    assert.ok(Number(rows[0].most) < 10, `at most ${rows[0].most} attempts are kept`)
  })

  test('does not stop the lane when an error, or a rule for errors, is odd', async () => {
    running = await begin(
      ({ key }) => {
        if (key === 'list') throw Object.assign(new Error('x'), { message: ['a', 'list'] })
        if (key === 'stack') throw Object.assign(new Error('x'), { stack: 7 })
        if (key === 'text') throw 'a text'
        if (key === 'nothing') throw undefined
      },
      {
        retry: [
          { errors: (error) => Reflect.get(Object(error), 'response').status === 429, delayed: 50 },
          { immediate: 0, delayed: 0 },
        ],
      },
    )
    await system.publish(['list', 1], ['stack', 1], ['text', 1], ['nothing', 1], ['good', 1])
    await until(async () => (await system.parked()).filter(({ state }) => state === 'dead').length === 4)
    await until(async () => (await system.effects('good')).length === 1)
  })

  test('falls on a message whose bytes are no text, and its key’s attempts go on', async () => {
    let isBroken = true
    running = await begin(
      ({ key }) => {
        // Never: an attempt may have read its bytes before they are broken, and end after.
        if (isBroken || key === 'bytes') throw new Error('not yet')
      },
      { retry: [{ immediate: 0, delayed: 500, backOff: { firstMs: 5, maxMs: 10 } }] },
    )
    await system.publish(['bytes', 1], ['good', 1])
    await until(async () => (await system.parked()).length === 2)
    const set = `UPDATE estafet.parked_message SET payload = '\\x7b00ff' WHERE key = 'bytes'`
    await system.subscriber.query(set)
    isBroken = false
    const state = `SELECT state, error_name FROM estafet.parked_message WHERE key = 'bytes'`
    await until(async () => (await system.subscriber.query(state)).rows[0]?.state === 'dead')
    assert.deepEqual((await system.subscriber.query(state)).rows, [{ state: 'dead', error_name: 'UNDECODABLE' }])
    await until(async () => (await system.effects('good')).length === 1)
  })

  test('falls on nobody when an attempt and a batch want the same rows', async () => {
    await system.subscriber.query('TRUNCATE shared; INSERT INTO shared VALUES (1, 0)')
    let failures = 0
    running = await system.begin([
      on(
        Done,
        async ({ data }, { tx }) => {
          if (data.key === 'a' && data.number === 1 && failures++ < 1) throw new Error('once')
          await tx.query('UPDATE shared SET n = n + 1 WHERE id = 1')
          await system.note(tx, data)
        },
        { retry: [{ immediate: 0, delayed: 5, backOff: { firstMs: 1, maxMs: 2 } }] },
      ),
    ])
    for (let number = 1; number <= 20; number++) await system.publish(['a', number], ['b', number], ['c', number])
    await until(async () => (await system.effects()).length === 60)
    for (const key of ['a', 'b', 'c']) {
      assert.deepEqual(
        await system.effects(key),
        Array.from({ length: 20 }, (_, at) => at + 1),
      )
    }
    assert.deepEqual((await system.subscriber.query('SELECT n FROM shared')).rows, [{ n: 60 }])
  })

  test('of dead letters that block nothing does not pause the subscription', async () => {
    running = await begin(
      ({ key }) => {
        if (key.startsWith('bad')) throw new Error('bad')
      },
      { retry: [{ immediate: 0, delayed: 0, whenDead: 'skip' }] },
      { parkingLimits: { keys: 2, messages: 2 } },
    )
    await system.publish(...Array.from({ length: 6 }, (_, at) => [`bad-${at}`, 1] as const))
    await until(async () => (await system.parked()).length === 6)
    await until(async () => Object.values(running?.parked() ?? {}).some(({ dead }) => dead === 6))
    assert.deepEqual(running.health().paused, [])
    await system.publish(['good', 1])
    await until(async () => (await system.effects()).length === 1)
  })

  test('a skipped dead letter that is redriven and fails again does not block its key', async () => {
    running = await begin(
      ({ number }) => {
        if (number === 1) throw new Error('bad')
      },
      { retry: [{ immediate: 0, delayed: 0, whenDead: 'skip' }] },
    )
    await system.publish(['a', 1])
    await until(async () => (await system.parked()).length === 1)
    const { redrives } = postgres(system.subscriber).operations
    const wanted = { selection: {}, expected: 1, isCanary: false, rate: null }
    await redrives.start('works', wanted, { who: 'test', reason: null, requestId: 'r' })
    await until(async () => (await redrives.list('works', { after: null, limit: 1 })).items[0]?.state === 'done')
    await system.publish(['a', 2])
    await until(async () => (await system.effects('a')).length === 1)
    const { rows } = await system.subscriber.query('SELECT FROM estafet.parked_key')
    assert.equal(rows.length, 0)
  })
})
