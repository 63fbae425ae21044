import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEstafetError, type Log, type StoredMessage } from 'estafet'
import { logFeed } from '../../../src/outbox/log-feed.ts'
import { advancePrefix, emptyPrefix, raiseFence, settleFence } from '../../../src/outbox/prefix.ts'
import { prepare } from '../../../src/outbox/prepare.ts'

test('the safe prefix stops at a gap, and passes it once its writers have ended', () => {
  const blocked = advancePrefix(emptyPrefix, [1n, 2n, 5n])
  assert.equal(blocked.safe, 2n)
  const fenced = raiseFence(blocked, 5n, ['a', 'b'])
  assert.equal(advancePrefix(fenced, [5n]).safe, 2n)
  const one = settleFence(fenced, ['b', 'c'])
  assert.deepEqual([...(one.fence?.writers ?? [])], ['b'])
  assert.equal(advancePrefix(settleFence(one, ['c']), [5n, 6n]).safe, 6n)
})

test('a writer that cannot be told from others keeps every fence up', () => {
  const fenced = raiseFence(advancePrefix(emptyPrefix, [1n]), 5n, ['a'])
  assert.notEqual(settleFence(fenced, ['*']).fence, null)
  assert.equal(settleFence(fenced, ['b']).fence, null)
})

test('dead positions are passed only on the way to a committed one', () => {
  const settled = raiseFence(advancePrefix(emptyPrefix, [1n]), 9n, [])
  assert.equal(advancePrefix(settled, []).safe, 1n)
  assert.equal(advancePrefix(settled, [4n]).safe, 4n)
})

test('a gap above what was drawn when the fence was raised is a gap of its own', () => {
  const settled = raiseFence(advancePrefix(emptyPrefix, [1n]), 3n, [])
  assert.equal(advancePrefix(settled, [4n, 7n]).safe, 4n)
})

function logOf(state: { epoch: string; lastDrawn: bigint }): Log {
  return {
    source: 'orders',
    inspect: () => Promise.resolve({ ...state, lastCommitted: state.lastDrawn }),
    positions: () => Promise.resolve([]),
    writers: () => Promise.resolve([]),
    read: () => Promise.resolve<StoredMessage[]>([]),
  }
}

test('a log whose epoch changes stops its reader', async () => {
  const state = { epoch: 'one', lastDrawn: 5n }
  const feed = logFeed(logOf(state), { lanes: 1 })
  await feed.open()
  state.epoch = 'two'
  await assert.rejects(feed.open(), (error) => isEstafetError(error, 'EPOCH_CHANGED'))
})

test('a log that was set back is refused', async () => {
  const feed = logFeed(logOf({ epoch: 'one', lastDrawn: 5n }), { lanes: 1 })
  await feed.open()
  await feed.fetch(0, 5n, 10)
  await assert.rejects(feed.fetch(0, 6n, 10), (error) => isEstafetError(error, 'EPOCH_CHANGED'))
})

test('lanes that wait hear of what another lane knew first', async () => {
  const log = logOf({ epoch: 'one', lastDrawn: 5n })
  const committed = [1n, 2n, 3n, 4n, 5n]
  const feed = logFeed(
    { ...log, positions: async (after) => committed.filter((position) => position > after) },
    { lanes: 2 },
  )
  await feed.open()
  // Taken from another process, which had come further than this one has looked.
  await feed.fetch(1, 5n, 10)
  assert.equal(await feed.advance(), 'more')
  assert.equal(await feed.advance(), 'idle')
})

test('a look that fails half-way has told nobody what it found', async () => {
  const log = logOf({ epoch: 'one', lastDrawn: 5n })
  let writers: () => Promise<readonly string[]> = () => Promise.reject(new Error('lost'))
  let committed = [1n, 2n, 4n]
  const positions = async (after: bigint) => committed.filter((position) => position > after)
  const feed = logFeed({ ...log, positions, writers: () => writers() }, { lanes: 1 })
  await feed.open()
  await assert.rejects(feed.advance(), /lost/)
  // What it found is told by the next look, also when that finds nothing by itself.
  committed = []
  writers = async () => []
  assert.equal(await feed.advance(), 'more')
  assert.equal(await feed.advance(), 'idle')
})

const world = {
  clock: { now: () => 0, sleep: () => Promise.resolve() },
  random: { fraction: () => 0, bytes: (count: number) => new Uint8Array(count) },
}
const outgoing = { type: 'a.b', version: 1, topic: 'a', key: 'k', data: { text: 'é'.repeat(50) }, context: {} }

test('what is too large, or has bad headers, is refused before anything is written', () => {
  const limits = { maxPayloadBytes: 100, maxHeaderBytes: 10 }
  assert.throws(
    () => prepare([outgoing], world, limits),
    (error) => isEstafetError(error, 'TOO_LARGE'),
  )
  const small = { ...outgoing, data: 1 }
  const withHeaders = (headers: Record<string, string>) => [{ ...small, context: { headers } }]
  assert.throws(
    () => prepare(withHeaders({ a: 'x'.repeat(11) }), world, limits),
    (e) => isEstafetError(e, 'TOO_LARGE'),
  )
  for (const headers of [{ 'Bad Name': 'x' }, { a: '\u0000' }]) {
    assert.throws(
      () => prepare(withHeaders(headers), world),
      (error) => isEstafetError(error, 'UNENCODABLE'),
    )
  }
})

test('a message without a correlation id is its own correlation; an invalid traceparent is dropped', () => {
  const [made] = prepare([{ ...outgoing, context: { traceparent: 'nonsense' } }], world)
  assert.equal(made?.correlationId, made?.id)
  assert.equal(made?.traceparent, null)
})
