import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Feed } from '../../../src/ports/feed.ts'
import type { Lane, LaneGroup, LaneStore } from '../../../src/ports/lane-store.ts'
import type { Logger } from '../../../src/ports/logger.ts'
import { type FeedRunner, runFeed } from '../../../src/runtime/feed-runner.ts'
import { systemClock, systemRandom } from '../../../src/runtime/world.ts'

const delivery = {
  cursor: 1n,
  previous: null,
  message: {
    ...{ id: '1', type: 'a.b', version: 1, topic: 'a', key: 'k', correlationId: '1', causationId: null },
    ...{ traceparent: null, headers: {}, payload: '{}', source: 's', epoch: 'e', position: 1n, time: '' },
  },
}

const feed: Feed = {
  name: 'log:s',
  open: () => Promise.resolve({ epoch: 'e', lanes: 1 }),
  ends: () => Promise.resolve([0n]),
  advance: () => Promise.resolve('idle'),
  fetch: () => Promise.resolve({ deliveries: [delivery], cursor: 1n, hasMore: false }),
}

/** One lane that is ours until `lose` is called. */
function oneLane(): { readonly lanes: LaneStore<object>; readonly surveyed: readonly number[]; lose(): void } {
  let holder: string | null = null
  const surveyed: number[] = []
  return {
    surveyed,
    lose: () => {
      holder = 'other'
    },
    lanes: {
      survey(_group, { owner, leaseMs }) {
        surveyed.push(leaseMs)
        return Promise.resolve({ members: [owner], holders: [holder] })
      },
      take(group: LaneGroup, index: number, owner: string): Promise<Lane> {
        holder = owner
        return Promise.resolve({ group, index, owner, abandoned: 0, fence: 1n, cursor: 0n, marks: {} })
      },
      save: () => Promise.resolve(),
      release: () => Promise.resolve(),
    },
  }
}

/** A runner whose handler goes on until it is allowed to end, whatever its signal says. */
function runnerWith(lanes: LaneStore<object>): {
  readonly runner: FeedRunner
  readonly signal: Promise<AbortSignal>
  readonly said: string[]
  end(): void
} {
  const said: string[] = []
  const note = (event: string): void => void said.push(event)
  const logger: Logger = { debug: note, info: note, warn: note, error: note }
  const handling = Promise.withResolvers<AbortSignal>()
  const ended = Promise.withResolvers<void>()
  const work = {
    async handle(lane: Lane, _fetched: unknown, signal: AbortSignal) {
      handling.resolve(signal)
      await ended.promise
      return { lane, failure: null }
    },
    skip: (lane: Lane) => Promise.resolve(lane),
  }
  const wakeUp = {
    wait: (ms: number, signal: AbortSignal) => systemClock.sleep(ms, signal),
    close: () => Promise.resolve(),
  }
  const runner = runFeed(
    { feed, lanes, work, wakeUp, clock: systemClock, random: systemRandom, logger },
    {
      ...{ subscription: 's', owner: 'me', startAt: 'beginning', newEpochAt: 'refuse', leaseMs: 30, batchSize: 1 },
      ...{ backOff: { firstMs: 1, maxMs: 5 }, pace: { hotMs: 1, busyMs: 1, idleMs: 5 } },
    },
  )
  return { runner, said, signal: handling.promise, end: () => ended.resolve() }
}

test('a handler is told when its lane went to another process; a runner that stops says goodbye', async () => {
  const { lanes, lose, surveyed } = oneLane()
  const { runner, signal, end } = runnerWith(lanes)
  const told = await signal
  assert.equal(told.aborted, false)
  lose()
  await new Promise((resolve) => told.addEventListener('abort', resolve, { once: true }))
  end()
  await runner.stop(1000)
  assert.equal(surveyed.at(-1), 0)
})

test('stop waits for a handler as long as it was told to, and leaves behind one that ignores its signal', async () => {
  const { runner, signal, said, end } = runnerWith(oneLane().lanes)
  const told = await signal
  await runner.stop(10)
  assert.equal(told.aborted, true)
  assert.deepEqual(said, ['handlers did not end when told to; left behind'])
  end()
})
