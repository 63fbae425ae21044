import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { redisSink, redisTopic } from 'estafet/redis'
import { UnusableSettings } from '../../../engines/application/settings.ts'
import { findRedis } from '../../../engines/redis/binaries.ts'
import { startRedis } from '../../../engines/redis/server.ts'
import type { Broker } from './broker.ts'
import { layout } from './redis-layout.ts'
import type { Settings } from './settings.ts'

/** The Redis of REDIS_URL, else one of our own that keeps its data in TASKS_HOME. Null where there is neither. */
export async function redisBroker(settings: Settings): Promise<Broker | null> {
  const { REDIS_URL, REDIS_ALLOW: allow, TASKS_HOME } = settings
  if (REDIS_URL !== undefined) {
    const says = `Redis at ${new URL(REDIS_URL).host}`
    return await connected(REDIS_URL, { says, allow, name: 'redis' })
  }
  const binaries = findRedis()
  if (binaries === null) return null
  const home = join(TASKS_HOME, 'redis')
  const server = await startRedis({ binaries, home })
  try {
    const says = `${binaries.name}, at 127.0.0.1:${server.port}`
    const broker = await connected(server.url, { says, allow: [], name: nameIn(home) })
    return { ...broker, stop: () => broker.stop().then(() => server.stop()) }
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** Another folder is another Redis: its relays begin at the beginning of the log. */
function nameIn(home: string): string {
  const path = join(home, 'broker.name')
  if (!existsSync(path)) writeFileSync(path, `redis-${randomUUID().slice(0, 8)}`)
  return readFileSync(path, 'utf8')
}

async function connected(
  url: string,
  { says, allow, name }: { readonly says: string; readonly allow: Settings['REDIS_ALLOW']; readonly name: string },
): Promise<Broker> {
  const client = createClient({
    ...{ url, disableOfflineQueue: true },
    socket: { socketTimeout: 5_000, reconnectStrategy: (retries) => Math.min(20 * 2 ** retries, 500) },
  })
  // Every command says itself that it failed; without a listener the process would end.
  client.on('error', () => {})
  await reached(client, says)
  const options = { layout, allow }
  return {
    kind: 'redis',
    says,
    sink: () => redisSink(client, { name, ...options }),
    topic: (topic, service, group = service) => redisTopic(client, { topic, group, ...options }),
    stop: async () => client.destroy(),
  }
}

/** What can be waited for at the start. */
interface Starting {
  connect(): Promise<unknown>
  destroy(): void
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** It would try for ever, also with a wrong password: who starts the program is told within some seconds. */
async function reached(client: Starting, says: string): Promise<void> {
  const late = new Promise<never>((_, reject) => setTimeout(reject, 5_000).unref())
  const refused = new Promise<never>((_, reject) => {
    client.on('error', ({ message }) => {
      const [, reply = null] = /^(NOAUTH|WRONGPASS|NOPERM) /.exec(message) ?? []
      if (reply !== null) reject(new UnusableSettings(`REDIS_URL: ${says} lets nobody in (${reply}).`))
    })
  })
  // It may be refused later, too, when nobody waits here any more.
  refused.catch(() => {})
  try {
    await Promise.race([client.connect(), late, refused])
  } catch (cause) {
    client.destroy()
    if (cause instanceof UnusableSettings) throw cause
    throw new UnusableSettings(`REDIS_URL: ${says} cannot be reached.`, { cause })
  }
}
