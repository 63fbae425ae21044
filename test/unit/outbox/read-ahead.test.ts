import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery, Feed, Fetched } from 'estafet'
import { readAhead } from '../../../src/outbox/read-ahead.ts'

function counting(fail: (after: bigint) => boolean = () => false) {
  const asked: string[] = []
  const feed: Feed = {
    name: 'log:orders',
    open: () => Promise.resolve({ epoch: 'e', lanes: 2 }),
    ends: () => Promise.resolve([9n, 9n]),
    advance: () => Promise.resolve('more'),
    fetch(lane, after, limit): Promise<Fetched> {
      asked.push(`${lane}:${after}+${limit}`)
      if (fail(after)) return Promise.reject(new Error('not now'))
      const cursor = after + BigInt(limit)
      return Promise.resolve({ deliveries: [], cursor, hasMore: cursor < 6n })
    },
  }
  return { asked, feed: readAhead(feed) }
}

test('the next page is fetched while the last one is worked on, and none beyond the end', async () => {
  const { asked, feed } = counting()
  assert.equal((await feed.fetch(0, 0n, 2)).cursor, 2n)
  assert.deepEqual(asked, ['0:0+2', '0:2+2'])
  assert.equal((await feed.fetch(0, 2n, 2)).cursor, 4n)
  assert.deepEqual(asked, ['0:0+2', '0:2+2', '0:4+2'])
})

test('what was the end when it was read early is looked at again: nobody is told twice that there is more', async () => {
  let end = 6n
  const asked: bigint[] = []
  const message = (position: bigint): Delivery => ({ message: stored(position), cursor: position, previous: null })
  const feed = readAhead({
    ...counting().feed,
    fetch(_, after, limit): Promise<Fetched> {
      asked.push(after)
      const deliveries = [1n, 2n, 3n, 4n].map((n) => message(after + n)).filter(({ cursor }) => cursor <= end)
      const page = deliveries.slice(0, limit)
      return Promise.resolve({ deliveries: page, cursor: page.at(-1)?.cursor ?? after, hasMore: page.length === limit })
    },
  })
  await feed.fetch(0, 0n, 3)
  await feed.fetch(0, 3n, 3)
  // Read early, 6 was the end, with nothing behind it.
  end = 8n
  const seen = await feed.fetch(0, 6n, 3)
  assert.deepEqual([seen.deliveries.map(({ cursor }) => cursor), seen.hasMore], [[7n, 8n], false])

  // And where a part of a page was there: it is handed out, and whoever takes it is to look again.
  end = 5n
  await feed.fetch(1, 0n, 3)
  end = 9n
  const part = await feed.fetch(1, 3n, 3)
  assert.deepEqual([part.deliveries.map(({ cursor }) => cursor), part.hasMore], [[4n, 5n], true])
  const rest = await feed.fetch(1, 5n, 3)
  assert.deepEqual(
    rest.deliveries.map(({ cursor }) => cursor),
    [6n, 7n, 8n],
  )
})

function stored(position: bigint): Delivery['message'] {
  return {
    ...{ source: 'orders', epoch: 'e', position, time: '2026-01-01T00:00:00.000Z', id: `m-${position}`, type: 'a.b' },
    ...{ version: 1, topic: 'a', key: 'k', correlationId: 'c', causationId: null, traceparent: null, headers: {} },
    payload: '1',
  }
}

test('a page that is not the one asked for is not handed out: another cursor, limit or lane', async () => {
  const { asked, feed } = counting()
  await feed.fetch(0, 0n, 2)
  await feed.fetch(1, 2n, 2)
  assert.equal((await feed.fetch(0, 0n, 2)).cursor, 2n)
  assert.equal((await feed.fetch(0, 2n, 1)).cursor, 3n)
  assert.deepEqual(asked, ['0:0+2', '0:2+2', '1:2+2', '1:4+2', '0:0+2', '0:2+2', '0:2+1', '0:3+1'])
})

test('a page that failed is told to who asks for it, and is read again then', async () => {
  let isDown = true
  const { feed } = counting((after) => isDown && after === 3n)
  await feed.fetch(0, 0n, 3)
  await assert.rejects(feed.fetch(0, 3n, 3), /not now/)
  isDown = false
  assert.equal((await feed.fetch(0, 3n, 3)).cursor, 6n)
})
