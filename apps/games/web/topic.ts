import { type Feed, isEstafetError } from 'estafet'

/** A message as it stands in the broker. */
export interface TopicMessage {
  readonly id: string
  readonly type: string
  readonly key: string
  readonly source: string
  readonly partition: number
  readonly offset: string
  readonly time: string
  readonly payload: string
}

/** The newest messages of a topic, newest first, as every reader of the broker gets them. None while there is no topic. */
export async function topicMessages(feed: Feed, limit: number): Promise<readonly TopicMessage[]> {
  try {
    const ends = await feed.ends()
    const pages = await Promise.all(ends.map((end, lane) => page(feed, lane, end, limit)))
    return pages
      .flat()
      .sort((one, other) => other.time.localeCompare(one.time))
      .slice(0, limit)
  } catch (error) {
    if (isEstafetError(error, 'UNAVAILABLE')) return []
    throw error
  }
}

async function page(feed: Feed, lane: number, end: bigint, limit: number): Promise<readonly TopicMessage[]> {
  const after = end > BigInt(limit) ? end - BigInt(limit) : 0n
  const { deliveries } = await feed.fetch(lane, after, limit)
  return deliveries.map(({ cursor, message }) => {
    const { id, type, key, source, time, payload } = message
    return { id, type, key, source, time, payload, partition: lane, offset: String(cursor - 1n) }
  })
}
