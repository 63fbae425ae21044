import type { RedisConnection } from './client.ts'

/*
 * All keys of a topic carry it as their hash tag: a cluster keeps them on one node, and a script may use them together.
 *
 *   estafet:{orders}       hash    epoch, shards, format; of each shard its last offset, the floor it was trimmed to, and
 *                                  the last position taken of each chain
 *   estafet:{orders}:0     stream  of shard 0; offset n is the id n-0, without a gap; one field, `event`
 */

type Names = Pick<RedisConnection, 'prefix'>

export function topicKey({ prefix }: Names, topic: string): string {
  return `${prefix}:{${topic}}`
}

export function shardKey(names: Names, topic: string, shard: number): string {
  return `${topicKey(names, topic)}:${shard}`
}

export function shardKeys(names: Names, topic: string, shards: number): readonly string[] {
  return Array.from({ length: shards }, (_, shard) => shardKey(names, topic, shard))
}

/** Fields of the topic's hash. */
export const fields = {
  offset: (shard: number) => `offset:${shard}`,
  floor: (shard: number) => `floor:${shard}`,
  mark: (shard: number, chain: string) => `mark:${shard}:${chain}`,
} as const
