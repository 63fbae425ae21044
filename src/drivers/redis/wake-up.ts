import type { WakeUp } from '../../ports/wake-up.ts'
import type { RedisOwnClient, RedisParentClient } from './client.ts'
import type { RedisTopicFeed } from './feed.ts'

/** How long one read waits on the server: shorter than any sensible time-out of the socket. */
const blockMs = 1_000

/**
 * Hears of news by a blocking read on a connection of its own, from where the feed last looked: what is written in between
 * is not missed. While it cannot, waits simply last their full time.
 */
export function redisWakeUp(client: RedisParentClient, feed: Pick<RedisTopicFeed, 'seen'>): WakeUp {
  const waiting = new Set<() => void>()
  let own: RedisOwnClient | null = null
  let isReading = false
  let isClosed = false

  async function connected(): Promise<RedisOwnClient> {
    // One that has given up is replaced by another one.
    if (own !== null && own.isOpen !== false) return own
    const fresh = client.duplicate()
    own = fresh
    fresh.on('error', () => {})
    try {
      await fresh.connect()
    } catch (error) {
      own = null
      throw error
    }
    return fresh
  }

  /** Reads until there is news or nobody waits; one read at a time. */
  async function readOn(): Promise<void> {
    if (isReading || isClosed) return
    isReading = true
    try {
      while (waiting.size > 0 && !isClosed) {
        const seen = feed.seen()
        if (seen === null) break
        const reader = await connected()
        // Else its command would wait in the client until there is a connection again.
        if (reader.isReady === false) break
        const streams = [...seen.map(({ key }) => key), ...seen.map(({ offset }) => `${offset}-0`)]
        const news = await reader.sendCommand(['XREAD', 'COUNT', '1', 'BLOCK', String(blockMs), 'STREAMS', ...streams])
        if (news === null) continue
        for (const wake of [...waiting]) wake()
        break
      }
    } catch {
      // Readers poll: without us they are slower and nothing else.
    } finally {
      isReading = false
    }
  }

  return {
    wait(ms, signal) {
      if (signal.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', done)
          waiting.delete(done)
          resolve()
        }
        const timer = setTimeout(done, ms)
        signal.addEventListener('abort', done, { once: true })
        waiting.add(done)
        void readOn()
      })
    },
    async close() {
      isClosed = true
      try {
        own?.destroy()
      } catch {
        // It was not open.
      }
      own = null
    },
  }
}
