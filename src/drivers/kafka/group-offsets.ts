import type { KafkaCluster } from './cluster.ts'

/** Tells Kafka how far a group got. */
export interface GroupOffsets {
  /** Says that everything of the partition up to the cursor is handled and saved. Returns at once. */
  reached(partition: number, cursor: bigint): void
}

/** So that a busy partition costs the coordinator one write in this time. */
const everyMs = 1000

/**
 * Commits a group's offsets to Kafka, after our own commit, for operators' tools to see. Best effort: nothing reads them, and
 * what cannot be committed (a group with members of its own, a broker that is away) is left.
 */
export function groupOffsets(cluster: KafkaCluster, topic: string, group: string): GroupOffsets {
  const committed = new Map<number, bigint>()
  let pending = new Map<number, bigint>()
  let isWaiting = false

  async function flush(): Promise<void> {
    const offsets = pending
    pending = new Map()
    isWaiting = false
    try {
      await cluster.commit(group, topic, offsets)
      for (const [partition, cursor] of offsets) committed.set(partition, cursor)
    } catch {
      // The next batch brings a newer one.
    }
  }

  return {
    reached(partition, cursor) {
      if (cursor === 0n || committed.get(partition) === cursor) return
      pending.set(partition, cursor)
      if (isWaiting) return
      isWaiting = true
      setTimeout(() => void flush(), everyMs).unref()
    },
  }
}
