import { EstafetError } from '../../message/errors.ts'
import { connectionOf, type RedisClient, type RedisOptions } from './client.ts'
import { command, runScript } from './command.ts'
import { fields, shardKey, topicKey } from './keys.ts'
import { list, offset, textOrNull } from './reply.ts'
import { trim } from './scripts.ts'

export interface TrimOptions extends RedisOptions {
  readonly topic: string
  /** Entries of each shard that are kept in any case, for subscribers that begin later. (Default: 0.) */
  readonly keep?: number
}

export interface TrimmedShard {
  readonly shard: number
  /** Everything up to this offset is removed. */
  readonly upTo: bigint
  readonly removed: number
}

/**
 * Removes from a topic what every group has finished, and returns what it did by shard. May be repeated at any time.
 *
 * A group counts from its subscription's first start until somebody destroys it with XGROUP DESTROY; where there is no
 * group, nothing is removed. Groups of other clients count with what they have not acknowledged.
 *
 * A replay counts from when its lanes begin it, seconds after it was decided: do not trim in between.
 */
export async function trimRedisTopic(client: RedisClient, options: TrimOptions): Promise<readonly TrimmedShard[]> {
  const connection = connectionOf(client, options)
  const { topic, keep = 0 } = options
  const key = topicKey(connection, topic)
  const shards = textOrNull(await command(connection, ['HGET', key, 'shards']))
  if (shards === null) {
    throw new EstafetError('UNAVAILABLE', `The topic ${topic} does not exist yet.`, { details: { topic } })
  }
  const trimmed: TrimmedShard[] = []
  for (let shard = 0; shard < Number(shards); shard++) {
    const values = [fields.offset(shard), fields.floor(shard), String(keep)]
    const [upTo, removed] = list(await runScript(connection, trim, [key, shardKey(connection, topic, shard)], values))
    trimmed.push({ shard, upTo: offset(upTo), removed: Number(offset(removed)) })
  }
  return trimmed
}
