import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Feed, Fetched } from 'estafet'
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
  assert.equal((await feed.fetch(0, 0n, 3)).cursor, 3n)
  assert.deepEqual(asked, ['0:0+3', '0:3+3'])
  assert.equal((await feed.fetch(0, 3n, 3)).cursor, 6n)
  assert.deepEqual(asked, ['0:0+3', '0:3+3'])
})

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
