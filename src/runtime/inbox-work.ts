import type { Handler } from '../delivery/handler.ts'
import type { DeliverParts } from '../inbox/deliver.ts'
import { handleBatch } from '../inbox/handle-batch.ts'
import type { LaneWork } from './lane-loop.ts'

/** What a lane's loop does for a subscription: hands batches to the handlers, and counts. */
export function inboxWork<Tx>(
  handlers: readonly Handler<Tx>[],
  store: Omit<DeliverParts<Tx>, 'handlers'>,
  counters: { applied: number; duplicates: number; retried: number },
): LaneWork {
  const parts: DeliverParts<Tx> = { ...store, handlers: Map.groupBy(handlers, ({ type }) => type) }
  return {
    async handle(lane, fetched, signal) {
      const outcome = await handleBatch(parts, lane, fetched, signal)
      counters.applied += outcome.applied
      counters.duplicates += outcome.duplicates
      if (outcome.failure !== null) counters.retried += 1
      return { lane: outcome.lane, failure: outcome.failure?.error ?? null }
    },
    async skip(lane, cursor) {
      const progress = { cursor, marks: lane.marks }
      await store.unitOfWork.run((tx) => store.lanes.save(tx, lane, progress))
      return { ...lane, ...progress }
    },
  }
}
