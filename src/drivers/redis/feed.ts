import { EstafetError } from '../../message/errors.ts'
import type { Delivery } from '../../message/message.ts'
import type { Feed, FeedState } from '../../ports/feed.ts'
import { fromStructured } from '../../wire/structured.ts'
import { connectionOf, type RedisClient, type RedisOptions } from './client.ts'
import { command, runScript } from './command.ts'
import { type Group, redisGroup } from './group.ts'
import { fields, shardKey, topicKey } from './keys.ts'
import { list, offset, offsetOfId, text, textOrNull } from './reply.ts'
import { refuseUnsafe } from './safety.ts'
import { read } from './scripts.ts'

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
      const [about, entries] = list(
        await runScript(
          connection,
          read,
          [key, keyOf(lane)],
          [fields.offset(lane), fields.floor(lane), after.toString(), String(limit)],
        ),
      )
      const [epoch, last, floor] = list(about)
      check(textOrNull(epoch))
      const shard: Shard = { topic, number: lane, last: offset(last), floor: offset(floor) }
      const found = list(entries).map((entry) => entryOf(entry, shard))
      refuseMissing(shard, after, found)
      group?.follow(lane, after, found.length === 0)
      hasDelivered ||= found.length > 0
      const deliveries: Delivery[] = found.map(({ offset: cursor, event }) => {
        const { message, previous } = fromStructured(event, topic, { partition: lane, offset: cursor })
        return { message, previous, cursor }
      })
      return { deliveries, cursor: deliveries.at(-1)?.cursor ?? after, hasMore: found.length >= limit }
    },
  }
}

interface Shard {
  readonly topic: string
  readonly number: number
  /** The last offset that the sink gave. */
  readonly last: bigint
  /** The last offset that was trimmed because all had finished it. */
  readonly floor: bigint
}

interface Entry {
  readonly offset: bigint
  readonly event: string
}

function entryOf(entry: unknown, shard: Shard): Entry {
  const [id, content] = list(entry)
  const number = offsetOfId(text(id))
  const words = list(content)
  const at = words.indexOf('event')
  if (number === null || number > shard.last || at % 2 !== 0) throw foreign(shard, text(id))
  return { offset: number, event: text(words[at + 1]) }
}

/** Throws unless the entries are all there are after the cursor: offsets have no gaps, so what is missing shows. */
function refuseMissing(shard: Shard, after: bigint, entries: readonly Entry[]): void {
  if (after > shard.last) throw setBack(shard, after)
  const first = entries[0]?.offset ?? shard.last + 1n
  // Whoever has read nothing yet begins with what there is: before that only what nobody waited for was removed.
  let wanted = after === 0n && first <= shard.floor + 1n ? first : after + 1n
  for (const { offset: found } of entries) {
    if (found !== wanted) throw gone(shard, wanted, found - 1n)
    wanted += 1n
  }
  if (entries.length === 0 && wanted <= shard.last) throw gone(shard, wanted, shard.last)
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

function setBack({ topic, number, last }: Shard, cursor: bigint): EstafetError {
  return new EstafetError(
    'EPOCH_CHANGED',
    `Shard ${number} of ${topic} was set back: offset ${cursor} was read, and it ends at ${last}. Find out what was restored or failed over.`,
    { details: { topic, shard: number, cursor: cursor.toString(), last: last.toString() } },
  )
}

function gone({ topic, number }: Shard, from: bigint, to: bigint): EstafetError {
  return new EstafetError(
    'GAP',
    `Messages were removed from Redis unread: offsets ${from} to ${to} of ${topic}, shard ${number}. Send them again from the log.`,
    { details: { topic, shard: number, from: from.toString(), to: to.toString() } },
  )
}

function foreign({ topic, number }: Shard, id: string): EstafetError {
  return new EstafetError(
    'MISCONFIGURED',
    `Entry ${id} in shard ${number} of ${topic} was not written by the sink: its offset or its form is another. Remove it.`,
    { details: { topic, shard: number, id } },
  )
}
