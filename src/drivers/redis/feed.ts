import { EstafetError } from '../../message/errors.ts'
import type { Feed, FeedState } from '../../ports/feed.ts'
import { connectionOf, type RedisClient, type RedisOptions } from './client.ts'
import { command } from './command.ts'
import { messageOfEntry } from './entry.ts'
import { type Group, redisGroup } from './group.ts'
import { fields, shardKey, topicKey } from './keys.ts'
import { list, offset, textOrNull } from './reply.ts'
import { refuseUnsafe } from './safety.ts'
import { readShard } from './shard.ts'

export interface RedisTopicFeedOptions extends RedisOptions {
  readonly topic: string
  /** Name of the subscription, as Redis' own tools show it among the groups of the streams. */
  readonly group: string
}

/** A topic in Redis as a feed. */
export interface RedisTopicFeed extends Feed {
  /** The streams with the last offset seen of each: from there on there is news. Null before the first look. */
  seen(): readonly { readonly key: string; readonly offset: bigint }[] | null
}

/**
 * A topic in Redis Streams as a feed: its lanes are the shards, its cursors the offsets. `client` is connected.
 *
 * Progress is the lanes' own. A group in Redis follows it, so that Redis' tools show the lag and `trimRedisTopic` removes
 * nothing unread. Messages that were removed all the same are a GAP; a server that was emptied, replaced or set back is
 * EPOCH_CHANGED. Throws UNAVAILABLE while the topic does not exist, and MISCONFIGURED for settings of the server under
 * which messages can be lost, unless those are allowed.
 */
export function redisTopicFeed(client: RedisClient, options: RedisTopicFeedOptions): RedisTopicFeed {
  const connection = connectionOf(client, options)
  const { topic } = options
  const key = topicKey(connection, topic)
  const keyOf = (shard: number): string => shardKey(connection, topic, shard)
  let known: FeedState | null = null
  let seen: readonly bigint[] | null = null
  let group: Group | null = null
  let hasDelivered = false
  let wasSafe = false

  function check(epoch: string | null, lanes?: number): void {
    if (epoch === null && known === null) throw noTopic(topic)
    if (known === null) return
    if (epoch !== known.epoch) throw replaced(topic)
    if (lanes !== undefined && lanes !== known.lanes) throw resharded(topic)
  }

  async function inspect(): Promise<FeedState> {
    const [first, second] = list(await command(connection, ['HMGET', key, 'epoch', 'shards']))
    const [epoch, lanes] = [textOrNull(first), Number(textOrNull(second) ?? '0')]
    check(epoch, lanes)
    known ??= { epoch: epoch ?? '', lanes }
    return known
  }

  async function ends(): Promise<readonly bigint[]> {
    const { lanes } = known ?? (await inspect())
    const words = Array.from({ length: lanes }, (_, shard) => fields.offset(shard))
    const [epoch, ...offsets] = list(await command(connection, ['HMGET', key, 'epoch', ...words]))
    check(textOrNull(epoch))
    return offsets.map(offset)
  }

  return {
    name: `topic:${topic}`,

    async open() {
      await refuseUnsafe(connection, wasSafe)
      wasSafe = true
      const state = await inspect()
      // A replica takes no writes, so a group cannot follow there.
      if (!connection.allow.includes('replica')) {
        group ??= redisGroup(connection, { topic, name: options.group, shards: state.lanes })
        await group.begin()
      }
      return state
    },

    // What a shard holds is final: a script appends to it, and one at a time.
    ends,

    async advance() {
      const now = await ends()
      const hasMore = seen === null || now.some((end, shard) => end !== seen?.[shard])
      // Once more after the last news: the lanes then find nothing, and the group learns that they are done.
      const hasFollowed = hasDelivered
      hasDelivered = false
      seen = now
      return hasMore || hasFollowed ? 'more' : 'idle'
    },

    seen: () => seen?.map((end, shard) => ({ key: keyOf(shard), offset: end })) ?? null,

    async fetch(lane, after, limit) {
      const { entries, hasMore } = await readShard(connection, { topic, shard: lane, after, limit }, (epoch) =>
        check(epoch),
      )
      group?.follow(lane, after, entries.length === 0)
      hasDelivered ||= entries.length > 0
      const deliveries = entries.map((entry) =>
        messageOfEntry(entry.words, { topic, partition: lane, offset: entry.offset }, connection.layout),
      )
      return { deliveries, cursor: deliveries.at(-1)?.cursor ?? after, hasMore }
    },
  }
}

function noTopic(topic: string): EstafetError {
  return new EstafetError('UNAVAILABLE', `The topic ${topic} does not exist yet; its relay makes it.`, {
    details: { topic },
  })
}

function replaced(topic: string): EstafetError {
  return new EstafetError(
    'EPOCH_CHANGED',
    `The topic ${topic} is not the one that was read before: Redis was emptied or replaced. Find out what was lost, then begin a new epoch.`,
    { details: { topic } },
  )
}

function resharded(topic: string): EstafetError {
  return new EstafetError(
    'MISCONFIGURED',
    `The number of shards of ${topic} changed; stop its subscribers when they have read all, then start them anew.`,
    { details: { topic } },
  )
}
