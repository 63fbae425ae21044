import { createHash } from 'node:crypto'
import type { RedisConnection } from './client.ts'
import { closed, replyCode, translate, unreachable } from './failure.ts'

/**
 * Sends one command and returns its reply. Throws the toolkit's codes; UNAVAILABLE also when no answer came in time, and
 * the command may then have been carried out. MISCONFIGURED when the client will not connect again.
 */
export async function command({ client, timeoutMs }: RedisConnection, words: readonly string[]): Promise<unknown> {
  if (client.isOpen === false) throw closed()
  if (client.isReady === false) throw unreachable()
  try {
    return await within(timeoutMs, client.sendCommand(words))
  } catch (error) {
    throw translate(error)
  }
}

/** A Lua script, sent by its digest. */
export interface Script {
  readonly text: string
  readonly digest: string
}

export function script(text: string): Script {
  return { text, digest: createHash('sha1').update(text).digest('hex') }
}

/** Runs a script, which takes place as a whole or not at all; loads it where the server does not know it. */
export async function runScript(
  connection: RedisConnection,
  { text, digest }: Script,
  keys: readonly string[],
  values: readonly string[],
): Promise<unknown> {
  const words = [String(keys.length), ...keys, ...values]
  try {
    return await command(connection, ['EVALSHA', digest, ...words])
  } catch (error) {
    // Nothing was run: a server that was restarted has forgotten its scripts.
    if (!(error instanceof Error) || replyCode(error.cause) !== 'NOSCRIPT') throw error
    return await command(connection, ['EVAL', text, ...words])
  }
}

async function within<Value>(ms: number, promise: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unreachable()), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
