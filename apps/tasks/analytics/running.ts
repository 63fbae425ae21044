import { type FeedSource, type Health, type Logger, start } from 'estafet'
import { type SqliteStore, sqlite } from 'estafet/sqlite'
import type { Watched } from '../admin/subject.ts'
import { analytics } from './analytics.ts'
import { judged } from './judged.ts'
import { taskEventsTopic } from './messages.ts'
import { lagOf } from './progress.ts'

/** The group under which analytics is known to Kafka. */
export const analyticsGroup = 'analytics-group'

/** Analytics, running on its SQLite file. */
export interface RunningAnalytics {
  readonly store: SqliteStore
  readonly watched: Watched
  health(): readonly Health[]
  stop(): Promise<void>
}

/** Runs analytics; a new one begins at the earliest offset. */
export async function runAnalytics(path: string, source: FeedSource, logger: Logger): Promise<RunningAnalytics> {
  const store = sqlite(path)
  const topic = judged(source)
  try {
    const running = await start(analytics, {
      ...{ store, sources: [topic], logger, backOff: { firstMs: 50, maxMs: 2_000 } },
      // Another broker, or a new one, holds the same events: by the ids of their rows they count once all the same.
      newEpochAt: 'beginning',
    })
    const watched: Watched = {
      ...{ name: analytics.name, running },
      deadLetters: async () => Object.values(running.parked()).reduce((sum, { dead }) => sum + dead, 0),
      lag: async () => [
        { topic: taskEventsTopic, messages: await lagOf(store, topic.feed).catch(() => null), seconds: null },
      ],
      unsent: async () => ({}),
    }
    const stop = async (): Promise<void> => {
      await running.stop()
      await store.close()
    }
    return { store, watched, health: () => [running.health()], stop }
  } catch (error) {
    await store.close()
    throw error
  }
}
