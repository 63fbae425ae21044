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

/** Where the next page comes from, and when to stop asking for one. */
export interface MorePages {
  next(after: bigint): Promise<Fetched>
  /** Asked after each page: true when the progress should be saved now. */
  isTime(): boolean
}

export interface Relayed {
  /** As saved. */
  readonly lane: Lane
  readonly sent: number
  /** Why it went no further; null when it did what it was given. */
  readonly failure: unknown
}

/**
 * Sends what was fetched from the log to the sink, page after page until it is time, then saves how far it got.
 *
 * Stopped between the two, the next run sends the same messages with the same chain: `previous` is part of the progress
 * saved. Throws what the first page throws, and what saving throws; nothing is then taken for done. What a later page throws
 * is told once the pages before it are saved.
 */
export async function relay<Tx>(
  parts: RelayParts<Tx>,
  lane: Lane,
  first: Fetched,
  more: MorePages | null = null,
): Promise<Relayed> {
  let page = first
  let sent = 0
  let done: Progress | null = null
  let failure: unknown = null
  for (;;) {
    try {
      const { messages, marks } = await chained(parts.sink, done?.marks ?? lane.marks, page)
      if (messages.length > 0) await parts.sink.send(messages)
      sent += messages.length
      done = { cursor: page.cursor, marks }
      if (more === null || !page.hasMore || more.isTime()) break
      page = await more.next(page.cursor)
    } catch (error) {
      if (done === null) throw error
      failure = error
      break
    }
  }
  const progress = done
  await parts.unitOfWork.run((tx) => parts.lanes.save(tx, lane, progress))
  return { lane: { ...lane, ...progress }, sent, failure }
}

async function chained(
  sink: Sink,
  before: Progress['marks'],
  fetched: Fetched,
): Promise<{ messages: readonly RelayedMessage[]; marks: Progress['marks'] }> {
  const marks: Record<string, bigint> = { ...before }
  const messages: RelayedMessage[] = []
  for (const { message } of fetched.deliveries) {
    const partition = partitionOf(message.key, await sink.partitions(message.topic))
    const chain = `${message.topic}/${partition}`
    messages.push({ message, partition, previous: marks[chain] ?? 0n })
    marks[chain] = message.position
  }
  return { messages, marks }
}
