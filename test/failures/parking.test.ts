import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { type HandlerOptions, type Running, rejected } from 'estafet'
import { on, postgres } from 'estafet/postgres'
import { Done, type FailureSystem, failureSystem, until } from './system.ts'

const soon: HandlerOptions = {
  retry: [{ immediate: 0, delayed: 8, backOff: { firstMs: 10, maxMs: 40 } }],
}

describe('a message that fails', () => {
  let system: FailureSystem
  let running: Running | null = null

  before(async () => {
    system = await failureSystem()
  })
  beforeEach(async () => {
    await system.subscriber.query(
      'TRUNCATE effect; TRUNCATE estafet.parked_key; TRUNCATE estafet.parked_message CASCADE',
    )
  })
  afterEach(async () => {
    await running?.stop()
    running = null
  })
  after(() => system.stop())

  test('parks its key: what follows takes effect after it and in order, other keys go on', async () => {
    let failures = 0
    running = await system.begin([
      on(
        Done,
        async ({ data }, { tx }) => {
          if (data.key === 'a' && data.number === 2 && failures < 5) {
            failures += 1
            throw new Error('not yet')
          }
          await system.note(tx, data)
        },
        soon,
      ),
    ])
    await system.publish(['a', 1], ['a', 2], ['b', 1], ['a', 3])
    await system.publish(['a', 4], ['b', 2], ['a', 5])
    await until(async () => (await system.effects()).length === 7)
    assert.equal(failures, 5)
    assert.deepEqual(await system.effects('a'), [1, 2, 3, 4, 5])
    assert.deepEqual(await system.effects('b'), [1, 2])
    await until(async () => (await system.parked()).length === 0)
    const { rows } = await system.subscriber.query(
      `SELECT a.outcome, a.error_name, m.attempts FROM estafet.attempt a JOIN estafet.parked_message m ON m.number = a.message
       ORDER BY a.number`,
    )
    assert.deepEqual(
      rows.map(({ outcome }) => outcome),
      // The first failure was that of its whole batch, which counts for nobody.
      ['failed', 'failed', 'failed', 'failed', 'applied'],
    )
  })

  test('becomes a dead letter when its budget is used up, and its key waits', async () => {
    running = await system.begin([
      on(
        Done,
        async ({ data }, { tx }) => {
          if (data.number === 2) throw new TypeError(`no ${data.key}`)
          await system.note(tx, data)
        },
        { retry: [{ immediate: 1, delayed: 2, backOff: { firstMs: 5, maxMs: 5 } }] },
      ),
    ])
    await system.publish(['secret-a', 1], ['secret-a', 2], ['secret-a', 3], ['b', 1])
    await until(async () => (await system.parked()).some(({ state }) => state === 'dead'))
    await until(async () => (await system.effects('b')).length === 1)
    assert.deepEqual(await system.effects('secret-a'), [1])
    assert.deepEqual(
      (await system.parked()).map(({ state, number, error_name }) => [state, number, error_name]),
      [
        ['dead', 2, 'TypeError'],
        ['waiting', 3, null],
      ],
    )
    const { rows } = await system.subscriber.query(
      'SELECT attempts, error_message FROM estafet.parked_message WHERE state = $1',
      ['dead'],
    )
    assert.deepEqual(rows, [{ attempts: 4, error_message: 'no …' }])
  })

  test('is dead at once when its handler says so, and with the policy skip its key goes on', async () => {
    running = await system.begin([
      on(
        Done,
        async ({ data }, { tx }) => {
          if (data.number === 2) throw rejected('never')
          await system.note(tx, data)
        },
        { whenDead: 'skip' },
      ),
    ])
    await system.publish(['a', 1], ['a', 2], ['a', 3])
    await until(async () => (await system.effects('a')).length === 2)
    assert.deepEqual(await system.effects('a'), [1, 3])
    assert.deepEqual(await system.parked(), [{ state: 'dead', key: 'a', number: 2, error_name: 'REJECTED' }])
  })

  test('that takes too long is told, its connection is dropped, and nothing of it is kept', async () => {
    let told = 0
    running = await system.begin([
      on(
        Done,
        async ({ data }, { tx, signal }) => {
          await system.note(tx, data)
          if (data.number !== 1) return
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
          told += 1
          // A handler that goes on all the same.
          await assert.rejects(system.note(tx, data))
        },
        { timeoutMs: 40, retry: [{ immediate: 0, delayed: 1, backOff: { firstMs: 1, maxMs: 1 } }] },
      ),
    ])
    await system.publish(['a', 1], ['b', 2])
    await until(async () => (await system.parked()).some(({ state }) => state === 'dead'))
    assert.deepEqual(await system.effects(), [2])
    assert.equal((await system.parked())[0]?.error_name, 'TIMED_OUT')
    await until(async () => told >= 2)
  })

  test('that sends nothing until the server ends its transaction is at fault itself', async () => {
    running = await system.begin(
      [
        on(
          Done,
          async ({ data }, { tx }) => {
            if (data.number === 1) await new Promise((resolve) => setTimeout(resolve, 300))
            await system.note(tx, data)
          },
          { retry: [{ immediate: 0, delayed: 1, backOff: { firstMs: 1, maxMs: 1 } }] },
        ),
      ],
      { store: postgres(system.subscriber, { idleInTransactionMs: 100 }) },
    )
    await system.publish(['a', 1], ['b', 2])
    await until(async () => (await system.parked()).some(({ state }) => state === 'dead'))
    assert.equal((await system.parked())[0]?.error_name, 'TIMED_OUT')
    await until(async () => (await system.effects()).length === 1)
  })

  test('is found when a dependency is down for all: nothing is given up, and all drains in order after', async () => {
    let isDown = true
    running = await system.begin(
      [
        on(
          Done,
          async ({ data }, { tx }) => {
            if (isDown) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
            await system.note(tx, data)
          },
          { retry: [{ immediate: 0, delayed: 2, backOff: { firstMs: 1, maxMs: 2 } }] },
        ),
      ],
      { backOff: { firstMs: 1, maxMs: 10 } },
    )
    const keys = Array.from({ length: 30 }, (_, at) => `k${at}`)
    for (let number = 1; number <= 4; number++) await system.publish(...keys.map((key) => [key, number] as const))
    const before = running.counters().retried
    await until(async () => (running?.counters().retried ?? 0) > before + 50)
    isDown = false
    await until(async () => (await system.effects()).length === 120)
    for (const key of keys) assert.deepEqual(await system.effects(key), [1, 2, 3, 4])
    const { rows } = await system.subscriber.query(`SELECT FROM estafet.parked_message WHERE state = 'dead'`)
    assert.equal(rows.length, 0)
  })

  test('pauses the subscription when too much is parked, until there is less', async () => {
    let isMended = false
    running = await system.begin(
      [
        on(
          Done,
          async ({ data }, { tx }) => {
            if (data.key.startsWith('bad') && !isMended) throw new Error('bad')
            await system.note(tx, data)
          },
          { retry: [{ immediate: 0, delayed: 1_000, backOff: { firstMs: 20, maxMs: 20 } }] },
        ),
      ],
      { parkingLimits: { keys: 2, messages: 100 }, breaker: { window: 20, keys: 100, share: 1 } },
    )
    await system.publish(['bad-1', 1], ['bad-2', 1], ['bad-3', 1])
    await until(async () => Object.values(running?.parked() ?? {}).some(({ keys }) => keys === 3))
    await system.publish(['good', 1])
    const before = running.counters().retried
    await until(async () => (running?.counters().retried ?? 0) > before + 20)
    assert.deepEqual(await system.effects(), [])
    isMended = true
    await until(async () => (await system.effects()).length === 4)
  })

  test('follows its key in another process, and is attempted by one of two at a time', async () => {
    let failures = 0
    const handler = on(
      Done,
      async ({ data }, { tx }) => {
        if (data.number === 1 && failures < 6) {
          failures += 1
          throw new Error('not yet')
        }
        await system.note(tx, data)
      },
      soon,
    )
    running = await system.begin([handler])
    const other = await system.begin([handler])
    const keys = Array.from({ length: 6 }, (_, at) => `k${at}`)
    for (let number = 1; number <= 5; number++) await system.publish(...keys.map((key) => [key, number] as const))
    await running.stop()
    await until(async () => (await system.effects()).length === 30)
    for (const key of keys) assert.deepEqual(await system.effects(key), [1, 2, 3, 4, 5])
    await other.stop()
  })
})
