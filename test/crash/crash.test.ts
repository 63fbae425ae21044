import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PostgresServer } from '../../engines/postgres/server.ts'
import { ended } from './ended.ts'
import { type CrashSystem, crashServer, crashSystem } from './system.ts'

const operations = 40
let server: PostgresServer
let systems = 0

before(async () => {
  server = await crashServer()
})
after(() => server.stop())

for (const point of [
  'before begin',
  'begun',
  'after business write',
  'after publish',
  'before commit',
  'after commit',
]) {
  test(`a publisher killed "${point}" publishes what it committed, and nothing else`, () =>
    within(async (system) => {
      const failing = system.begin({ role: 'publish', fail: { point, times: 9 } })
      assert.equal(await ended(failing), 'SIGKILL')
      assert.equal(await ended(system.begin({ role: 'publish' })), 0)
      system.begin({ role: 'subscribe' })
      assertOnce(await system.settled(operations))
    }))
}

for (const point of [
  'after take',
  'before begin',
  'begun',
  'in handler',
  'before publish',
  'after publish',
  'before save',
  'after save',
  'after commit',
]) {
  test(`a subscriber killed "${point}" takes every effect once, in order`, () =>
    within(async (system) => {
      await ended(system.begin({ role: 'publish' }))
      const failing = system.begin({ role: 'subscribe', fail: { point, times: point === 'after take' ? 2 : 3 } })
      assert.equal(await ended(failing), 'SIGKILL')
      system.begin({ role: 'subscribe' })
      assertOnce(await system.settled(operations))
    }))
}

for (const point of ['before send', 'after send', 'before save', 'after save', 'after commit']) {
  test(`a relay killed "${point}" loses nothing, and what it sends again has no second effect`, () =>
    within(async (system) => {
      const failing = system.begin({ role: 'relay', fail: { point, times: 3 } })
      // In parts, because a relay saves once for all that it found to send.
      for (const part of [0.25, 0.5, 0.75, 1]) {
        await ended(system.begin({ role: 'publish', operations: part * operations }))
      }
      assert.equal(await ended(failing), 'SIGKILL')
      system.begin({ role: 'relay' })
      system.begin({ role: 'subscribe-topic' })
      assertOnce(await system.settled(operations))
    }))
}

test('a subscriber frozen beyond its lease does no harm when it goes on', () =>
  within(async (system) => {
    const frozen = system.begin({ role: 'subscribe' })
    const publishing = ended(system.begin({ role: 'publish', operations: 150 }))
    await system.settled(10)
    frozen.kill('SIGSTOP')
    system.begin({ role: 'subscribe' })
    await publishing
    const inTheMeantime = await system.settled(150)
    frozen.kill('SIGCONT')
    await sleep(1_500)
    assertOnce(await system.settled(150), 150)
    assert.equal(inTheMeantime.effects.length, 150)
  }))

test('a database server killed in the middle loses and doubles nothing', () =>
  within(async (system) => {
    system.begin({ role: 'subscribe' })
    const publisher = system.begin({ role: 'publish', operations: 400 })
    await sleep(400)
    const before = system.server.pid
    system.server.kill()
    await ended(publisher)
    while (system.server.pid === before) await sleep(20)
    // The publisher has no retry of its own: it goes on where the database says it was.
    while ((await ended(system.begin({ role: 'publish', operations: 400 }))) !== 0) await sleep(100)
    assertOnce(await system.settled(400), 400)
  }))

async function within(work: (system: CrashSystem) => Promise<void>): Promise<void> {
  const system = await crashSystem(`crash_${systems++}`, server)
  try {
    await work(system)
  } finally {
    await system.stop()
  }
}

function assertOnce(found: Awaited<ReturnType<CrashSystem['settled']>>, count = operations): void {
  const { effects, notes } = found
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
  assert.equal(notes, count, 'what the handlers published')
}
