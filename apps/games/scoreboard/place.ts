import type { FeedSource, ReceivedMessage } from 'estafet'

const [partitionHeader, offsetHeader] = ['broker-partition', 'broker-offset']

/** The same topic, with each message told where in the broker it stands: its partition, and its offset from 0. */
export function placed({ feed, wakeUp }: FeedSource): FeedSource {
  return {
    wakeUp,
    feed: {
      name: feed.name,
      open: () => feed.open(),
      ends: () => feed.ends(),
      advance: () => feed.advance(),
      async fetch(lane, after, limit) {
        const fetched = await feed.fetch(lane, after, limit)
        const deliveries = fetched.deliveries.map((delivery) => {
          // A cursor stands after its message.
          const place = { [partitionHeader]: String(lane), [offsetHeader]: String(delivery.cursor - 1n) }
          const headers = { ...delivery.message.headers, ...place }
          return { ...delivery, message: { ...delivery.message, headers } }
        })
        return { ...fetched, deliveries }
      },
    },
  }
}

/** Where a message of a `placed` topic stands. */
export function placeOf({ headers }: Pick<ReceivedMessage, 'headers'>): { partition: number; offset: string } {
  return { partition: Number(headers[partitionHeader]), offset: headers[offsetHeader] ?? '' }
}
