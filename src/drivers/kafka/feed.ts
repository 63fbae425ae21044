import { EstafetError } from '../../message/errors.ts'
import type { Delivery } from '../../message/message.ts'
import type { Feed } from '../../ports/feed.ts'
import type { ValueCodec } from '../../wire/codec.ts'
import type { KafkaCluster, KafkaTopicState } from './cluster.ts'
import { kafkaCodes, translated } from './failure.ts'
import { groupOffsets } from './group-offsets.ts'
import { type Page, toPage } from './record.ts'
import { checkTopic, type KafkaRisk } from './topic-settings.ts'

export interface KafkaTopicOptions {
  /** A Kafka group under which operators' tools see how far we got. Only shown, never read. (Default: none.) */
  readonly group?: string
  /** Of the messages handed out at once: no more are added once they have reached it. (Default: 8 MiB.) */
  readonly maxBytes?: number
  /** Asked of the broker at once; a batch of the producer that is larger comes whole. (Default: 1 MiB.) */
  readonly requestBytes?: number
  /** Settings of a topic that can lose messages and are accepted nevertheless. (Default: none.) */
  readonly allow?: readonly KafkaRisk[]
  /**
   * What to do when records after the cursor were deleted before they were read, also by a subscription that begins:
   * refuse with GAP, or go on with the first that is left. What lacks in a chain is still found then. (Default: refuse.)
   */
  readonly deleted?: 'refuse' | 'skip'
  /** The form of its values, where it is not plain JSON payloads. */
  readonly codec?: ValueCodec
}

/** A topic of a Kafka cluster as a feed, with what its wake-up needs to know. */
export interface KafkaFeed extends Feed {
  /** The state of the topic and, by partition, the end, as last seen; null before the first look. */
  seen(): { readonly state: KafkaTopicState; readonly ends: readonly bigint[] } | null
}

interface CachedPage extends Page {
  /** The cursor after which it begins. */
  readonly after: bigint
  /** The end of the partition when it was read. */
  readonly end: bigint
}

/**
 * A topic of a Kafka cluster as a feed: its lanes are the partitions, its cursors the offset + 1, its epoch the topic's
 * id. Progress is ours, in the subscriber's database; Kafka assigns nothing to anybody.
 *
 * Throws UNAVAILABLE while the topic does not exist, MISCONFIGURED when its partitions changed or its settings can lose
 * messages, EPOCH_CHANGED when it was made anew or lost its end, and GAP when records were deleted before they were read.
 */
export function kafkaTopicFeed(cluster: KafkaCluster, topic: string, options: KafkaTopicOptions = {}): KafkaFeed {
  const maxBytes = options.maxBytes ?? 8 * 1_048_576
  const requestBytes = options.requestBytes ?? 1_048_576
  const group = options.group === undefined ? null : groupOffsets(cluster, topic, options.group)
  const pages = new Map<number, CachedPage>()
  let first: KafkaTopicState | null = null
  let current: KafkaTopicState | null = null
  let isChecked = false
  let ends: readonly bigint[] | null = null

  /** Asks the cluster, and compares with what this feed saw before. */
  async function look(): Promise<KafkaTopicState> {
    const found = await cluster.topic(topic)
    if (found === null) throw noTopic(topic)
    if (first !== null && found.id !== first.id) throw madeAnew(topic)
    if (first !== null && found.leaders.length !== first.leaders.length) throw repartitioned(topic)
    first ??= found
    current = found
    return found
  }

  /** Does something with what we know of the topic; when that fails we no longer trust it. */
  async function using<Result>(work: (state: KafkaTopicState) => Promise<Result>): Promise<Result> {
    const state = current ?? (await look())
    try {
      return await work(state)
    } catch (error) {
      current = null
      throw error
    }
  }

  async function read(state: KafkaTopicState, partition: number, after: bigint): Promise<CachedPage> {
    try {
      const fetched = await cluster.fetch(state, partition, after, requestBytes)
      if (fetched === null) return { deliveries: [], cursor: after, after, end: after }
      return {
        ...toPage(fetched, { topic, partition, after, codec: options.codec }),
        after,
        end: fetched.lastStableOffset,
      }
    } catch (error) {
      const codes = kafkaCodes(error)
      if (codes.has('OFFSET_OUT_OF_RANGE')) return outOfRange(state, partition, after)
      // Deleted, or made anew: look says which.
      if (codes.has('UNKNOWN_TOPIC_ID') || codes.has('INCONSISTENT_TOPIC_ID')) await look()
      throw translated(error, 'read', topic)
    }
  }

  async function outOfRange(state: KafkaTopicState, partition: number, after: bigint): Promise<CachedPage> {
    await look()
    const [starts, lasts] = [await cluster.offsets(topic, state, 'first'), await cluster.offsets(topic, state, 'last')]
    const [start = 0n, end = 0n] = [starts[partition], lasts[partition]]
    if (after > end) throw setBack(topic, partition, after, end)
    if (after >= start) throw moved(topic, partition)
    if (options.deleted === 'skip') return read(state, partition, start)
    throw deletedBefore(topic, partition, after, start)
  }

  /** What is left of the last fetch of a lane, when the next goes on where it was cut. */
  function cachedPage(lane: number, after: bigint): CachedPage | null {
    const page = pages.get(lane)
    return page !== undefined && page.after <= after && after < page.cursor ? page : null
  }

  return {
    name: `topic:${topic}`,
    seen: () => (current === null || ends === null ? null : { state: current, ends }),

    async open() {
      const state = await look()
      if (!isChecked) await checkTopic(cluster, topic, state, options.allow ?? [])
      isChecked = true
      return { epoch: state.id, lanes: state.leaders.length }
    },

    async ends() {
      return using(async (state) => {
        const decided = await cluster.offsets(topic, state, 'stable')
        const all = await cluster.offsets(topic, state, 'last')
        if (all.some((end, partition) => end > (decided[partition] ?? 0n))) throw undecided(topic)
        return decided
      })
    },

    async advance() {
      const now = await using((state) => cluster.offsets(topic, state, 'stable'))
      const before = ends
      for (const [partition, end] of now.entries()) {
        const known = before?.[partition] ?? 0n
        if (end < known) throw setBack(topic, partition, known, end)
      }
      ends = now
      return now.every((end, partition) => end === (before?.[partition] ?? -1n)) ? 'idle' : 'more'
    },

    async fetch(lane, after, limit) {
      group?.reached(lane, after)
      const deliveries: Delivery[] = []
      let [cursor, bytes, hasMore] = [after, 0, true]
      while (hasMore && deliveries.length < limit && bytes < maxBytes) {
        const from = cursor
        const cached = cachedPage(lane, from)
        const page = cached ?? (await using((state) => read(state, lane, from)))
        const rest = page.deliveries.filter((each) => each.cursor > from)
        const taken = rest.slice(0, limit - deliveries.length)
        const isCut = taken.length < rest.length
        if (isCut) pages.set(lane, page)
        else pages.delete(lane)
        cursor = isCut ? (taken.at(-1)?.cursor ?? from) : page.cursor
        // Where a page read earlier ends there may be news by now, of which nobody will tell again.
        hasMore = isCut || cached !== null || cursor < page.end
        deliveries.push(...taken)
        for (const { message } of taken) bytes += message.payload.length
        // The broker gave nothing although there is more, for a quota: whoever asks may ask again.
        if (cursor === from) break
      }
      return { deliveries, cursor, hasMore }
    },
  }
}

function noTopic(topic: string): EstafetError {
  return new EstafetError('UNAVAILABLE', `The topic ${topic} does not exist; its relay makes it.`, {
    details: { topic },
  })
}

function repartitioned(topic: string): EstafetError {
  return new EstafetError(
    'MISCONFIGURED',
    `The number of partitions of ${topic} changed; stop its subscribers when they have read all, then start them anew.`,
    { details: { topic } },
  )
}

function madeAnew(topic: string): EstafetError {
  return new EstafetError(
    'EPOCH_CHANGED',
    `The topic ${topic} was deleted and made anew; its offsets mean others now.`,
    {
      details: { topic },
    },
  )
}

function setBack(topic: string, partition: number, known: bigint, end: bigint): EstafetError {
  return new EstafetError(
    'EPOCH_CHANGED',
    `Partition ${partition} of ${topic} ends at offset ${end} and was read up to ${known}: the broker lost its end.`,
    { details: { topic, partition, known: known.toString(), end: end.toString() } },
  )
}

function deletedBefore(topic: string, partition: number, after: bigint, start: bigint): EstafetError {
  return new EstafetError(
    'GAP',
    `Partition ${partition} of ${topic} begins at offset ${start}; offsets ${after} to ${start - 1n} were deleted unread.`,
    { details: { topic, partition, wanted: after.toString(), start: start.toString() } },
  )
}

/** The start of the partition, or its leader, since it was read. */
function moved(topic: string, partition: number): EstafetError {
  return new EstafetError('UNAVAILABLE', `Partition ${partition} of ${topic} moved while it was read.`, {
    details: { topic, partition },
  })
}

function undecided(topic: string): EstafetError {
  return new EstafetError('UNAVAILABLE', `A transaction of another producer is still open in the topic ${topic}.`, {
    details: { topic },
  })
}
