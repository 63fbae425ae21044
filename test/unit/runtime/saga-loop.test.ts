import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RunningSagas, type SagaService, saga, sagaService } from 'estafet'
import {
  type MemoryTransaction,
  memoryDatabase,
  memorySagaSearch,
  memorySagas,
  memorySession,
  memoryStepFence,
  memoryUnitOfWork,
  seededRandom,
  type VirtualClock,
  virtualClock,
} from 'estafet/memory'
import * as z from 'zod'
import { macrotask } from '../../../src/runtime/world.ts'

const schema = z.object({})
const Sleeping = saga<MemoryTransaction, typeof schema, string>('sleeping', {
  ...{ version: 1, input: schema },
  async run(steps) {
    await steps.sleep('first', 1_000)
    return 'ended'
  },
})

/** A service in virtual time, whose next wait for what `point` names can be held up. */
async function held(
  work: (system: {
    readonly clock: VirtualClock
    readonly service: SagaService<MemoryTransaction>
    readonly loop: RunningSagas
    readonly begin: (id: string) => Promise<unknown>
    readonly hold: (point: string) => () => void
    /** Whatever is asked for there fails, while it is not null. */
    readonly failing: { point: string | null }
    readonly count: (point: string) => number
    readonly pass: (ms: number) => Promise<void>
  }) => Promise<void>,
): Promise<void> {
  const clock = virtualClock()
  let holding: { readonly point: string; readonly until: Promise<void> } | null = null
  const failing: { point: string | null } = { point: null }
  const counts = new Map<string, number>()
  const session = {
    ...memorySession(memoryDatabase(clock)),
    async interrupt(point: string) {
      counts.set(point, (counts.get(point) ?? 0) + 1)
      if (point === failing.point) throw new Error('It fails, as scripted.')
      if (holding?.point !== point) return
      const { until } = holding
      holding = null
      await until
    },
  }
  const unitOfWork = memoryUnitOfWork(session)
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const service = sagaService<MemoryTransaction>(
    {
      ...{ sagas: memorySagas(session), search: memorySagaSearch(session), fence: memoryStepFence(session), clock },
      store: { unitOfWork, prepare: () => () => Promise.resolve() },
    },
    { service: 'held', of: [Sleeping], logger: silent },
  )
  const pass = async (ms: number): Promise<void> => {
    const end = clock.now() + ms
    void clock.sleep(ms)
    while (clock.now() < end) {
      clock.next()
      for (let turn = 0; turn < 5; turn++) await macrotask()
    }
  }
  const loop = await service.start({ clock, random: seededRandom(1) })
  const release: (() => void)[] = []
  try {
    await work({
      ...{ clock, service, loop, pass, failing, count: (point) => counts.get(point) ?? 0 },
      begin: (id) => unitOfWork.run((tx) => service.begin({ tx, publish() {} }, Sleeping, id, {})),
      hold(point) {
        const gate = Promise.withResolvers<void>()
        holding = { point, until: gate.promise }
        release.push(gate.resolve)
        return gate.resolve
      },
    })
  } finally {
    for (const each of release) each()
    const stopped = loop.stop()
    await pass(1)
    await stopped
  }
}

test('a transaction that does not end is told, and the other turns go on', () =>
  held(async ({ service, loop, begin, hold, pass }) => {
    await pass(500)
    assert.deepEqual([loop.health().ready, loop.health().stalled], [true, []])
    const release = hold('before commit')
    await pass(500)
    await begin('a')
    await pass(29_500)
    assert.deepEqual([loop.health().ready, loop.health().stalled], [true, []], 'it may only take long')
    await pass(15_000)
    const { ready, stalled } = loop.health()
    assert.deepEqual([ready, stalled.map(({ state, error }) => `${state} ${error}`)], [false, ['retrying TIMED_OUT']])
    assert.equal((await service.search.show('a'))?.status, 'completed')
    await begin('b')
    await pass(2_000)
    assert.equal((await service.search.show('b'))?.status, 'completed')
    assert.equal(loop.health().ready, false)
    release()
    await pass(1_000)
    assert.deepEqual([loop.health().ready, loop.health().stalled], [true, []])
  }))

test('a look that does not come back is told', () =>
  held(async ({ loop, hold, pass }) => {
    const release = hold('claim saga')
    await pass(35_000)
    assert.deepEqual(
      loop.health().stalled.map(({ state }) => state),
      ['working'],
    )
    release()
    await pass(1_000)
    assert.deepEqual([loop.health().ready, loop.health().stalled], [true, []])
  }))

test('a database that fails is asked less and less, wherever it fails, and is asked again when it does not', () =>
  held(async ({ service, loop, begin, failing, count, pass }) => {
    for (const point of ['claim saga', 'save saga', 'begin']) {
      await begin(point)
      failing.point = point
      await pass(2_000)
      const { ready, stalled } = loop.health()
      assert.deepEqual([ready, stalled.map(({ state }) => state)], [false, ['retrying']], point)
      await pass(100_000)
      const before = count(point)
      await pass(300_000)
      // Each 30 s at most, in all turns at once; otherwise it would be each 200 ms.
      assert.ok(count(point) - before > 5 && count(point) - before < 120, `${point}: ${count(point) - before}`)
      failing.point = null
      await pass(40_000)
      assert.deepEqual([loop.health().ready, loop.health().stalled], [true, []], point)
      assert.equal((await service.search.show(point))?.status, 'completed')
    }
  }))
