import { EstafetError, isEstafetError } from '../../message/errors.ts'
import type { RedisConnection } from './client.ts'
import { command, runScript } from './command.ts'
import { isOurs, type Words } from './entry.ts'
import { fields, shardKey, topicKey } from './keys.ts'
import { list, offset, offsetOfId, text, textOrNull } from './reply.ts'
import { read } from './scripts.ts'

export interface Range {
  readonly topic: string
  readonly shard: number
  readonly after: bigint
  readonly limit: number
}

export interface Found {
  readonly entries: readonly Entry[]
  /** True when the limit cut it short, or something that the next read will throw. */
  readonly hasMore: boolean
}

interface Entry {
  readonly offset: bigint
  readonly words: Words
}

/**
 * Reads the entries of a shard after an offset, in order, up to the first that cannot be handed out; throws when it begins
 * with that: GAP where entries were removed, MISCONFIGURED for one that is not the sink's. Throws EPOCH_CHANGED when the
 * shard ends before the offset, and what `check` throws for the epoch.
 */
export async function readShard(
  connection: RedisConnection,
  range: Range,
  check: (epoch: string | null) => void,
): Promise<Found> {
  const keys = [topicKey(connection, range.topic), shardKey(connection, range.topic, range.shard)] as const
  const words = [fields.offset(range.shard), fields.floor(range.shard)] as const
  const [from, count] = [`(${range.after}-0`, String(range.limit)]
  // Side by side, which costs the server a third of a script; the entries first, so that none is beyond the end.
  const [entries, about] = await Promise.all([
    command(connection, ['XRANGE', keys[1], from, '+', 'COUNT', count]),
    command(connection, ['HMGET', keys[0], 'epoch', ...words]),
  ])
  try {
    return judge(connection, range, about, entries, check)
  } catch (error) {
    if (!isEstafetError(error) || error.code === 'UNAVAILABLE') throw error
    // Something may have been written between the two, so this is judged by one look at both.
    const [sure, found] = list(await runScript(connection, read, keys, [...words, range.after.toString(), count]))
    return judge(connection, range, sure, found, check)
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

function judge(
  { layout }: Pick<RedisConnection, 'layout'>,
  { topic, shard: number, after, limit }: Range,
  about: unknown,
  entries: unknown,
  check: (epoch: string | null) => void,
): Found {
  const [epoch, last, floor] = list(about)
  check(textOrNull(epoch))
  const shard: Shard = { topic, number, last: offset(last), floor: offset(floor) }
  if (after > shard.last) throw setBack(shard, after)
  const found = list(entries).map((entry) => judgedEntry(entry, layout))
  const first = found[0]?.offset ?? shard.last + 1n
  // Whoever has read nothing yet begins with what there is: before that only what nobody waited for was removed.
  const start = after === 0n && first !== null && first <= shard.floor + 1n ? first : after + 1n
  if (found.length === 0 && start <= shard.last) throw gone(shard, start, shard.last)
  const good: Entry[] = []
  for (const { id, offset: at, words } of found) {
    const wanted = start + BigInt(good.length)
    if (at === wanted && at <= shard.last && words !== null) {
      good.push({ offset: at, words })
    } else if (good.length > 0) {
      return { entries: good, hasMore: true }
    } else {
      throw at === null || at > shard.last || words === null ? foreign(shard, id) : gone(shard, wanted, at - 1n)
    }
  }
  return { entries: good, hasMore: found.length >= limit }
}

/** An entry with what of it is the sink's: null where its id or its fields are not. */
function judgedEntry(entry: unknown, layout: RedisConnection['layout']) {
  const [first, content] = list(entry)
  const id = text(first)
  const words = list(content).map(text)
  return { id, offset: offsetOfId(id), words: isOurs(words, layout) ? words : null }
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
