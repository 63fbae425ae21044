import { setTimeout as sleep } from 'node:timers/promises'
import type { WakeUp } from '../../ports/wake-up.ts'
import { type KafkaCluster, maxAwaitMs } from './cluster.ts'
import type { KafkaFeed } from './feed.ts'

/**
 * Tells of news in a topic by a fetch that the broker answers when there is some. A hint, like all of them: when it cannot
 * be asked, the poll goes on.
 */
export function kafkaWakeUp(cluster: KafkaCluster, feed: KafkaFeed): WakeUp {
  /** By leader. One that was not needed until its end is waited for again, since the broker answers in order. */
  const asked = new Map<number, Promise<boolean>>()
  let isClosed = false

  /** Whether there is news. */
  function ask(leader: number, ms: number): Promise<boolean> {
    const seen = feed.seen()
    if (seen === null) return new Promise(() => {})
    const running = asked.get(leader)
    if (running !== undefined) return running
    const until = performance.now() + ms
    const answer = cluster
      .await(seen.state, leader, seen.ends, ms)
      // Unreachable, or the leader moved: as if there were no news.
      .catch(() => false)
      // An answer without news before its time stands for all of it, or each would be followed by the next at once.
      .then(async (isNews) => isNews || sleep(Math.max(0, until - performance.now()), false, { ref: false }))
      .finally(() => asked.delete(leader))
    asked.set(leader, answer)
    return answer
  }

  /** Ends with news, or with the wait: what was asked before for a shorter wait ends without. */
  async function news(leader: number, until: number, over: AbortSignal): Promise<void> {
    for (let isNews = false; !isNews && !over.aborted; ) {
      const ms = Math.min(until - performance.now(), maxAwaitMs)
      // A rest that is shorter than a round trip is left alone.
      isNews = await (ms < shortestMs ? new Promise<boolean>(() => {}) : ask(leader, Math.ceil(ms)))
    }
  }

  return {
    async wait(ms, signal) {
      if (signal.aborted) return
      const leaders = new Set(feed.seen()?.state.leaders)
      const over = new AbortController()
      const ending = AbortSignal.any([signal, over.signal])
      const time = sleep(ms, undefined, { signal: ending }).catch(() => {})
      const until = performance.now() + ms
      await Promise.race([time, ...(isClosed ? [] : [...leaders].map((leader) => news(leader, until, ending)))])
      over.abort()
    },
    async close() {
      isClosed = true
    },
  }
}

const shortestMs = 5
