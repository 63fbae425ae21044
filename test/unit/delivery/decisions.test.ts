import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge } from '../../../src/delivery/chain.ts'
import { shareLanes } from '../../../src/delivery/lane-share.ts'
import { murmur2, partitionOf } from '../../../src/delivery/partition.ts'
import { isBusy, pollMs } from '../../../src/delivery/poll-pace.ts'

test('a chain takes what follows, drops what it had, and holds what follows something that never came', () => {
  assert.equal(judge(undefined, 7n, 5n), 'next')
  assert.equal(judge(5n, 7n, 5n), 'next')
  assert.equal(judge(5n, 5n, 3n), 'duplicate')
  assert.equal(judge(5n, 3n, 0n), 'duplicate')
  assert.equal(judge(5n, 9n, 7n), 'gap')
})

test('a process alone takes every lane; a second one is given its half', () => {
  assert.deepEqual(shareLanes({ members: ['a'], holders: [null, null, null] }, 'a'), { take: [0, 1, 2], release: [] })
  assert.deepEqual(shareLanes({ members: ['a', 'b'], holders: ['a', 'a', 'a'] }, 'a'), { take: [], release: [2] })
  assert.deepEqual(shareLanes({ members: ['a', 'b'], holders: ['a', 'a', null] }, 'b'), { take: [2], release: [] })
})

// Computed by the hash as published with Kafka's Java client: its own test vectors.
for (const [text, expected] of [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
] as const) {
  test(`murmur2 of ${text} is that of Kafka's Java client`, () => {
    assert.equal(murmur2(new TextEncoder().encode(text)), expected)
  })
}

test('a negative hash gives the partition of the Java client, which clears the sign', () => {
  assert.equal(partitionOf('21', 6), (-973932308 & 0x7fffffff) % 6)
})

test('looks are frequent at first, then rarer, down to the floor, and gather while news keep coming', () => {
  const pace = { hotMs: 2, busyMs: 10, idleMs: 250 }
  assert.deepEqual(
    [0, 7, 8, 16, 1000].map((looks) => pollMs(pace, looks)),
    [2, 2, 4, 8, 250],
  )
  assert.deepEqual([0, 7, 8].map(isBusy), [false, false, true])
})
