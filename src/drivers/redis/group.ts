import type { RedisConnection } from './client.ts'
import { command, runScript } from './command.ts'
import { fields, shardKey, shardKeys, topicKey } from './keys.ts'
import { beginGroup } from './scripts.ts'

/** A group of Redis that follows the progress of our lanes. Nothing is read by it. */
export interface Group {
  /** Makes it where it does not exist, before the first entry that was not trimmed. May be repeated. */
  begin(): Promise<void>
  /** Notes that a lane has finished everything up to an offset; `isIdle` when it found nothing more. Returns at once. */
  follow(shard: number, upTo: bigint, isIdle: boolean): void
}

/** How seldom a lane under load tells Redis how far it is: each time is a write. */
const everyMs = 200

export function redisGroup(
  connection: RedisConnection,
  { topic, name, shards }: { readonly topic: string; readonly name: string; readonly shards: number },
): Group {
  const told = new Map<number, { readonly upTo: bigint; readonly at: number }>()
  return {
    async begin() {
      const floors = Array.from({ length: shards }, (_, shard) => fields.floor(shard))
      const keys = [topicKey(connection, topic), ...shardKeys(connection, topic, shards)]
      await runScript(connection, beginGroup, keys, [name, ...floors])
    },

    follow(shard, upTo, isIdle) {
      const last = told.get(shard)
      const at = performance.now()
      if (upTo === 0n || last?.upTo === upTo) return
      if (!isIdle && last !== undefined && at - last.at < everyMs) return
      told.set(shard, { upTo, at })
      const words = [shardKey(connection, topic, shard), name, `${upTo}-0`, 'ENTRIESREAD', upTo.toString()]
      // Best effort: progress is kept in the subscriber's database. Told again with the next step.
      command(connection, ['XGROUP', 'SETID', ...words]).catch(() => told.delete(shard))
    },
  }
}
