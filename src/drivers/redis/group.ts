import type { RedisConnection } from './client.ts'
import { command, runScript } from './command.ts'
import { fields, shardKey, shardKeys, topicKey } from './keys.ts'
import { beginAgain, beginGroup } from './scripts.ts'

/** A group of Redis that follows the progress of our lanes. Nothing is read by it. */
export interface Group {
  /** Makes it where it does not exist, before the first entry that was not trimmed. May be repeated. */
  begin(): Promise<void>
  /**
   * Notes that a lane has finished everything up to an offset; `isIdle` when it found nothing more. At an earlier offset
   * than before, what is between the two will come again. Returns at once.
   */
  follow(shard: number, upTo: bigint, isIdle: boolean): void
}

/** How seldom a lane under load tells Redis how far it is: each time is a write. */
const everyMs = 200

export function redisGroup(
  connection: RedisConnection,
  { topic, name, shards }: { readonly topic: string; readonly name: string; readonly shards: number },
): Group {
  const told = new Map<number, { readonly upTo: bigint; readonly at: number }>()
  const toWords = (shard: number, upTo: bigint): readonly string[] => {
    const place = [`${upTo}-0`, 'ENTRIESREAD', upTo.toString()]
    return ['XGROUP', 'SETID', shardKey(connection, topic, shard), name, ...place]
  }
  // By its text, in one command: by its digest it might have to be sent again, after what comes next.
  const beginWords = (shard: number): readonly string[] => {
    const keys = [topicKey(connection, topic), shardKey(connection, topic, shard)]
    return ['EVAL', beginAgain.text, String(keys.length), ...keys, name, fields.floor(shard)]
  }
  return {
    async begin() {
      const floors = Array.from({ length: shards }, (_, shard) => fields.floor(shard))
      const keys = [topicKey(connection, topic), ...shardKeys(connection, topic, shards)]
      await runScript(connection, beginGroup, keys, [name, ...floors])
    },

    follow(shard, upTo, isIdle) {
      const last = told.get(shard)
      const at = performance.now()
      if (last?.upTo === upTo) return
      // One that goes back is told at once: until then trimming may remove what it is about to read. So is its first step.
      const isOnItsWay = last !== undefined && 0n < last.upTo && last.upTo < upTo
      if (!isIdle && isOnItsWay && at - last.at < everyMs) return
      told.set(shard, { upTo, at })
      // Best effort: progress is kept in the subscriber's database. Told again with the next step.
      command(connection, upTo === 0n ? beginWords(shard) : toWords(shard, upTo)).catch(() => told.delete(shard))
    },
  }
}
