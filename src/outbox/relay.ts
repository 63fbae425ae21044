import { partitionOf } from '../delivery/partition.ts'
import type { Fetched } from '../ports/feed.ts'
import type { Lane, LaneStore, Progress } from '../ports/lane-store.ts'
import type { RelayedMessage, Sink } from '../ports/sink.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'

export interface RelayParts<Tx> {
  readonly unitOfWork: UnitOfWork<Tx>
  readonly lanes: LaneStore<Tx>
  readonly sink: Sink
}

/**
 * Sends what was fetched from the log to the sink, then saves how far it got, and returns the lane as saved.
 *
 * Stopped between the two, the next run sends the same messages with the same chain: `previous` is part of the progress
 * saved. Throws what the sink or the store throws; nothing is then taken for done.
 */
export async function relayOnce<Tx>(parts: RelayParts<Tx>, lane: Lane, fetched: Fetched): Promise<Lane> {
  const { messages, marks } = await chained(parts.sink, lane, fetched)
  if (messages.length > 0) await parts.sink.send(messages)
  const progress: Progress = { cursor: fetched.cursor, marks }
  await parts.unitOfWork.run((tx) => parts.lanes.save(tx, lane, progress))
  return { ...lane, ...progress }
}

async function chained(
  sink: Sink,
  lane: Lane,
  fetched: Fetched,
): Promise<{ messages: readonly RelayedMessage[]; marks: Progress['marks'] }> {
  const marks: Record<string, bigint> = { ...lane.marks }
  const messages: RelayedMessage[] = []
  for (const { message } of fetched.deliveries) {
    const partition = partitionOf(message.key, await sink.partitions(message.topic))
    const chain = `${message.topic}/${partition}`
    messages.push({ message, partition, previous: marks[chain] ?? 0n })
    marks[chain] = message.position
  }
  return { messages, marks }
}
