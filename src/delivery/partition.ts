/**
 * The partition of a key: murmur2 as Kafka's Java client computes it, so that other clients agree.
 *
 * @source Apache Kafka, BuiltInPartitioner.partitionForKey: toPositive(murmur2(keyBytes)) % partitions
 */
export function partitionOf(key: string, partitions: number): number {
  // toPositive clears the sign bit; an unsigned shift instead would move half the keys.
  return (murmur2(new TextEncoder().encode(key)) & 0x7fffffff) % partitions
}

/** murmur2, 32 bits, with the seed of Kafka's Java client; the result is signed. */
export function murmur2(data: Uint8Array): number {
  const m = 0x5bd1e995
  let hash = 0x9747b28c ^ data.length
  const words = data.length >> 2
  for (let word = 0; word < words; word++) {
    const at = word * 4
    let k = (data[at] ?? 0) | ((data[at + 1] ?? 0) << 8) | ((data[at + 2] ?? 0) << 16) | ((data[at + 3] ?? 0) << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    hash = Math.imul(hash, m) ^ Math.imul(k, m)
  }
  const tail = words * 4
  const left = data.length - tail
  if (left >= 3) hash ^= (data[tail + 2] ?? 0) << 16
  if (left >= 2) hash ^= (data[tail + 1] ?? 0) << 8
  if (left >= 1) hash = Math.imul(hash ^ (data[tail] ?? 0), m)
  hash = Math.imul(hash ^ (hash >>> 13), m)
  return (hash ^ (hash >>> 15)) | 0
}
