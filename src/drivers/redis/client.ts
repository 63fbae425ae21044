import type { StoredMessage } from '../../message/message.ts'
import type { DecodedMessage } from '../../wire/codec.ts'

/**
 * The part of a Redis client that the driver calls, so that the toolkit does not depend on one: a connected client of
 * `@redis/client` has it, or anything that sends each command to the server of its key.
 *
 * Give its socket a `socketTimeout` of some seconds, to leave a server that is dead without a word, and with it a
 * `reconnectStrategy`: the client's own does not connect again after that time-out.
 */
export interface RedisClient {
  sendCommand(words: readonly string[]): Promise<unknown>
  /** False while it is not connected: it is then not asked, so that nothing piles up in it during an outage. */
  readonly isReady?: boolean
  /** False when it was closed or has given up, and will not connect again by itself. */
  readonly isOpen?: boolean
}

/** A client that can open another connection of the same kind, as `@redis/client`'s can. */
export interface RedisParentClient extends RedisClient {
  duplicate(): RedisOwnClient
}

/** A connection of our own. */
export interface RedisOwnClient extends RedisClient {
  connect(): Promise<unknown>
  destroy(): void
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** A setting of the server under which messages can be lost, and that is refused unless it is allowed by its name. */
export type UnsafeSetting = 'eviction' | 'no-aof' | 'replica'

/**
 * Streams named and filled as others expect them: one stream for each topic, so `shards` is 1.
 *
 * An entry has the layout's fields and one of ours, `estafet`, with id, position and chain. Its id is still `n-0`.
 */
export interface RedisLayout {
  /** The key of a topic's stream; another for each topic, and without braces. */
  stream(topic: string): string
  /** The fields of a message. The same for the same message; throwing stops the relay. */
  encode(message: StoredMessage): Readonly<Record<string, string>>
  /** What an entry says of its message; the payload above all. A decoder that throws leaves it with a payload of null. */
  decode(fields: Readonly<Record<string, string>>, topic: string): DecodedMessage
}

export interface RedisOptions {
  /** Put before every key, so that several systems can share a server. (Default: estafet.) */
  readonly prefix?: string
  /** After how long a command without an answer counts as failed, its outcome unknown. (Default: 10 s.) */
  readonly timeoutMs?: number
  /** Settings of the server under which messages can be lost, and that are accepted. (Default: none.) */
  readonly allow?: readonly UnsafeSetting[]
  /** Other streams than ours; the same for all who write and read them. (Default: none.) */
  readonly layout?: RedisLayout
}

/** A client with what it is used under. */
export interface RedisConnection {
  readonly client: RedisClient
  readonly prefix: string
  readonly timeoutMs: number
  readonly allow: readonly UnsafeSetting[]
  readonly layout: RedisLayout | null
}

export function connectionOf(client: RedisClient, options: RedisOptions): RedisConnection {
  return {
    client,
    prefix: options.prefix ?? 'estafet',
    timeoutMs: options.timeoutMs ?? 10_000,
    allow: options.allow ?? [],
    layout: options.layout ?? null,
  }
}
