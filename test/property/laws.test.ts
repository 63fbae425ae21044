import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { backOffMs } from '../../src/delivery/back-off.ts'
import { judge } from '../../src/delivery/chain.ts'
import { shareLanes } from '../../src/delivery/lane-share.ts'
import { partitionOf } from '../../src/delivery/partition.ts'
import { decodeJson, encodeJson } from '../../src/message/json.ts'
import { advancePrefix, emptyPrefix, isBlocked, raiseFence, settleFence } from '../../src/outbox/prefix.ts'

const json = fc.jsonValue({ maxDepth: 6, stringUnit: 'grapheme' })

test('what is encoded is decoded to the same', () => {
  fc.assert(
    fc.property(json, (value) => {
      fc.pre(!JSON.stringify(value).includes('__proto__'))
      assert.deepEqual(decodeJson(encodeJson(value)), JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('the wait between tries is within its bounds and never shrinks for the same chance', () => {
  const backOff = { firstMs: 50, maxMs: 30_000 }
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, fraction) => {
        const wait = backOffMs(backOff, attempt, fraction)
        assert.ok(wait >= 25 && wait < 30_000)
        assert.ok(backOffMs(backOff, attempt + 1, fraction) >= wait)
      },
    ),
  )
})

test('processes that follow their shares settle: every lane held once, counts within one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 20 }),
      fc.infiniteStream(fc.nat()),
      (size, lanes, chance) => {
        const members = Array.from({ length: size }, (_, at) => `member-${at}`)
        const holders: (string | null)[] = Array.from(
          { length: lanes },
          () => members[(chance.next().value ?? 0) % (size + 1)] ?? null,
        )
        for (let round = 0; round < 3; round++) {
          for (const owner of members) {
            const { take, release } = shareLanes({ members, holders }, owner)
            for (const lane of release) holders[lane] = null
            for (const lane of take) holders[lane] ??= owner
          }
        }
        const counts = members.map((owner) => holders.filter((holder) => holder === owner).length)
        assert.ok(!holders.includes(null))
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1)
      },
    ),
  )
})

test('a stream with any repeats of what was sent before is taken once each, in order', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { minLength: 1 }),
      fc.infiniteStream(fc.nat()),
      (numbers, chance) => {
        const sent = numbers.toSorted((a, b) => a - b).map(BigInt)
        const stream: number[] = []
        for (let at = 0; at < sent.length; at++) {
          const back = Math.min(at, (chance.next().value ?? 0) % 4)
          for (let again = at - back; again <= at; again++) stream.push(again)
        }
        const taken: bigint[] = []
        for (const at of stream) {
          const verdict = judge(taken.at(-1), sent[at] ?? 0n, sent[at - 1] ?? 0n)
          assert.notEqual(verdict, 'gap')
          if (verdict === 'next') taken.push(sent[at] ?? 0n)
        }
        assert.deepEqual(taken, sent)
      },
    ),
  )
})

test('the safe prefix never passes a position that may still commit, and misses none that did', () => {
  // Each transaction draws a position, and ends, committed or not, at some later step.
  const transaction = fc.record({ delay: fc.integer({ min: 0, max: 6 }), commits: fc.boolean() })
  fc.assert(
    fc.property(fc.array(transaction, { minLength: 1, maxLength: 40 }), (transactions) => {
      const end = transactions.map(({ delay }, at) => at + delay)
      let prefix = emptyPrefix
      for (let now = 0; now < transactions.length + 30; now++) {
        const isOpen = (at: number): boolean => at <= now && (end[at] ?? 0) > now
        const writers = transactions.flatMap((_, at) => (isOpen(at) ? [String(at)] : []))
        const committed = transactions.flatMap((tx, at) =>
          at <= now && !isOpen(at) && tx.commits ? [BigInt(at + 1)] : [],
        )
        prefix = advancePrefix(prefix, committed)
        if (isBlocked(prefix, committed)) {
          const last = committed.at(-1) ?? 0n
          prefix = prefix.fence === null ? raiseFence(prefix, last, writers) : settleFence(prefix, writers)
        }
        prefix = advancePrefix(prefix, committed)
        for (const writer of writers) assert.ok(prefix.safe <= BigInt(writer), 'passed an open transaction')
      }
      const last = transactions.findLastIndex(({ commits }) => commits) + 1
      assert.equal(prefix.safe, BigInt(last))
    }),
  )
})

test('a partition is always one of the topic’s', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 64 }), (key, partitions) => {
      const partition = partitionOf(key, partitions)
      assert.ok(Number.isInteger(partition) && partition >= 0 && partition < partitions)
    }),
  )
})
