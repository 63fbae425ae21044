import type { RedisConnection } from './client.ts'

/*
 * All keys of a topic carry it as their hash tag: a cluster keeps them on one node, and a script may use them together.
 *
 *   estafet:{orders}       hash    epoch, shards, format; of each shard its last offset, the floor it was trimmed to, and
 *                                  the last position taken of each chain
 *   estafet:{orders}:0     stream  of shard 0; offset n is the id n-0, without a gap; one field, `event`
 *
 * With a layout of the user's the stream has a name of its own, `events:orders`, and the hash that name as its tag.
 */

type Names = Pick<RedisConnection, 'prefix' | 'layout'>

export function topicKey({ prefix, layout }: Names, topic: string): string {
  return `${prefix}:{${layout === null ? topic : layout.stream(topic)}}`
}

export function shardKey(names: Names, topic: string, shard: number): string {
  return names.layout === null ? `${topicKey(names, topic)}:${shard}` : names.layout.stream(topic)
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
