import { chainOf, judge } from '../delivery/chain.ts'
import type { Delivery } from '../message/message.ts'
import type { Fetched } from '../ports/feed.ts'
import type { Lane, Progress } from '../ports/lane-store.ts'

/** What to do with a batch, decided before any handler runs. */
export interface Plan {
  /** To be handled, in order. */
  readonly fresh: readonly Delivery[]
  readonly duplicates: number
  /** The first delivery whose predecessor is missing; it and what follows wait. */
  readonly gap: Delivery | null
  /** What to save with the effects of `fresh`. */
  readonly progress: Progress
}

/** Sorts a batch into new messages and duplicates, up to the first gap in a chain. The chain comes before any filter. */
export function plan(lane: Lane, fetched: Fetched): Plan {
  const marks: Record<string, bigint> = { ...lane.marks }
  const fresh: Delivery[] = []
  let duplicates = 0
  let cursor = lane.cursor
  for (const delivery of fetched.deliveries) {
    if (delivery.previous !== null) {
      const chain = chainOf(delivery.message)
      const verdict = judge(marks[chain], delivery.message.position, delivery.previous)
      if (verdict === 'gap') return { fresh, duplicates, gap: delivery, progress: { cursor, marks } }
      if (verdict === 'next') marks[chain] = delivery.message.position
      if (verdict === 'duplicate') duplicates += 1
      else fresh.push(delivery)
    } else if (delivery.cursor <= lane.cursor) {
      duplicates += 1
    } else {
      fresh.push(delivery)
    }
    if (delivery.cursor > cursor) cursor = delivery.cursor
  }
  if (fetched.cursor > cursor) cursor = fetched.cursor
  return { fresh, duplicates, gap: null, progress: { cursor, marks } }
}

/** One batch as batches of one, so that the message at fault can be told from its neighbours. */
export function singles(fetched: Fetched): readonly Fetched[] {
  return fetched.deliveries.map((delivery, at) => {
    const isLast = at === fetched.deliveries.length - 1
    return { deliveries: [delivery], cursor: isLast ? fetched.cursor : delivery.cursor, hasMore: fetched.hasMore }
  })
}
