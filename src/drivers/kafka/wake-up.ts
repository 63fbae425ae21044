import { setTimeout as sleep } from 'node:timers/promises'
import type { WakeUp } from '../../ports/wake-up.ts'
import type { KafkaCluster } from './cluster.ts'
import type { KafkaFeed } from './feed.ts'

/**
 * Tells of news in a topic by a fetch that the broker answers when there is some. A hint, like all of them: when it cannot
 * be asked, the poll goes on.
 */
export function kafkaWakeUp(cluster: KafkaCluster, feed: KafkaFeed): WakeUp {
  /** By leader. One that was not needed until its end is waited for again, since the broker answers in order. */
  const asked = new Map<number, Promise<void>>()
  let isClosed = false

  function ask(leader: number, ms: number): Promise<void> {
    const seen = feed.seen()
    if (seen === null) return new Promise(() => {})
    const running = asked.get(leader)
    if (running !== undefined) return running
    const answer = cluster
      .await(seen.state, leader, seen.ends, ms)
      // Unreachable, or the leader moved: as if there were no news, or every look would follow the next at once.
      .catch(() => sleep(ms, undefined, { ref: false }))
      .finally(() => asked.delete(leader))
    asked.set(leader, answer)
    return answer
  }

  return {
    async wait(ms, signal) {
      if (signal.aborted) return
      const leaders = new Set(feed.seen()?.state.leaders)
      const over = new AbortController()
      const time = sleep(ms, undefined, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => {})
      // A wait that is shorter than a round trip is left alone.
      const news = isClosed || ms < 5 ? [] : [...leaders].map((leader) => ask(leader, ms))
      await Promise.race([time, ...news])
      over.abort()
    },
    async close() {
      isClosed = true
    },
  }
}
