import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryDatabase, memoryInbox, memorySession, memoryUnitOfWork, virtualClock } from 'estafet/memory'
import { sentAgain } from '../../../src/inbox/sent-again.ts'
import type { Delivery } from '../../../src/message/message.ts'
import type { Lane } from '../../../src/ports/lane-store.ts'

const lane: Lane = {
  group: { subscription: 's', feed: 'topic:work', epoch: 'e', starts: [0n, 0n], isNewEpochAccepted: false },
  ...{ index: 0, owner: 'me', fence: 1n, abandoned: 0, cursor: 0n, marks: {} },
}
const ofLane = (index: number): Lane => ({ ...lane, index })
const ofGroup = (changes: Partial<Lane['group']>): Lane => ({ ...lane, group: { ...lane.group, ...changes } })

function sent(cursor: bigint, id: string): Delivery {
  return {
    message: {
      ...{ id, type: 'work.done', version: 1, topic: 'work', key: 'k', correlationId: id, causationId: null, time: '' },
      ...{ traceparent: null, headers: {}, payload: '1', source: '/others', epoch: 'e', position: cursor },
    },
    ...{ cursor, previous: null, hasSendersId: true },
  }
}

function bench() {
  const clock = virtualClock()
  const session = memorySession(memoryDatabase(clock))
  const [unitOfWork, inbox] = [memoryUnitOfWork(session), memoryInbox(session)]
  return {
    inbox,
    pass(ms: number): void {
      void clock.sleep(ms)
      clock.next()
    },
    /** Cursors of what was found to be sent again. */
    async dropped(from: Lane, ...deliveries: readonly Delivery[]): Promise<readonly bigint[]> {
      const again = await unitOfWork.run((tx) => sentAgain(inbox, tx, from, deliveries))
      return deliveries.filter(({ message }) => again.has(message)).map(({ cursor }) => cursor)
    },
  }
}

test('what comes again from its place is not dropped, and what was sent again is, each time', async () => {
  const { dropped } = bench()
  const history = [sent(1n, 'one'), sent(2n, 'two'), sent(3n, 'one')]
  assert.deepEqual(await dropped(lane, ...history), [3n])
  assert.deepEqual(await dropped(lane, ...history), [3n])
  assert.deepEqual(await dropped(lane, sent(3n, 'one'), sent(4n, 'two')), [3n, 4n])
})

test('the same offset of another lane, feed or epoch is another place', async () => {
  const { dropped } = bench()
  assert.deepEqual(await dropped(lane, sent(1n, 'one')), [])
  for (const elsewhere of [ofLane(1), ofGroup({ feed: 'topic:other' }), ofGroup({ epoch: 'made anew' })]) {
    assert.deepEqual(await dropped(elsewhere, sent(1n, 'one')), [1n])
  }
  assert.deepEqual(await dropped(ofGroup({ subscription: 'other' }), sent(1n, 'one')), [])
})

test('an id is remembered from when it came last, again from its place or sent again', async () => {
  const { pass, dropped, inbox } = bench()
  const day = 86_400_000
  await dropped(lane, sent(1n, 'one'))
  for (const [cursor, isDropped] of [
    [1n, false],
    [2n, true],
    [3n, true],
  ] as const) {
    pass(day - 1)
    await inbox.forget('s', 1)
    assert.deepEqual(await dropped(lane, sent(cursor, 'one')), isDropped ? [cursor] : [])
  }
  pass(day)
  await inbox.forget('s', 1)
  assert.deepEqual(await dropped(lane, sent(4n, 'one')), [])
})
