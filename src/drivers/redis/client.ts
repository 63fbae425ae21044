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

export interface RedisOptions {
  /** Put before every key, so that several systems can share a server. (Default: estafet.) */
  readonly prefix?: string
  /** After how long a command without an answer counts as failed, its outcome unknown. (Default: 10 s.) */
  readonly timeoutMs?: number
  /** Settings of the server under which messages can be lost, and that are accepted. (Default: none.) */
  readonly allow?: readonly UnsafeSetting[]
}

/** A client with what it is used under. */
export interface RedisConnection {
  readonly client: RedisClient
  readonly prefix: string
  readonly timeoutMs: number
  readonly allow: readonly UnsafeSetting[]
}

export function connectionOf(client: RedisClient, options: RedisOptions): RedisConnection {
  return {
    client,
    prefix: options.prefix ?? 'estafet',
    timeoutMs: options.timeoutMs ?? 10_000,
    allow: options.allow ?? [],
  }
}
