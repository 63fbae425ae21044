import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { murmur2, partitionOf } from '../../src/delivery/partition.ts'

// Made by kafka-partitions/Partitions.java, which says how.
const lines = readFileSync(new URL('kafka-partitions/java.tsv', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')

test('a key is in the partition that the Java client of Kafka chooses', () => {
  const chosen = lines.map((line) => {
    const [key = '', ...partitions] = line.split('\t')
    return { key, partitions: partitions.map(Number) }
  })
  assert.equal(chosen.length, 266)
  for (const { key, partitions } of chosen) {
    assert.deepEqual(
      [6, 12, 16].map((count) => partitionOf(key, count)),
      partitions,
      key,
    )
  }
  // Half of the keys have a negative hash: to shift its sign away instead of clearing it would show on these.
  const shifted = chosen.filter(({ key, partitions: [ofSix] }) => (murmur2(Buffer.from(key)) >>> 0) % 6 !== ofSix)
  assert.ok(shifted.length > 50, `${shifted.length}`)
})
