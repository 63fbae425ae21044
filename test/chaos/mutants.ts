import { setTimeout as sleep } from 'node:timers/promises'
import type { Lane, Progress, Store } from 'estafet'
import type { Sql } from 'estafet/postgres'

/** A subscriber with one rule broken: the verdict must be red. */
export const mutants = ['ack before commit', 'progress outside the transaction', 'no fence'] as const
export type Mutant = (typeof mutants)[number]

/** How long a mutant leaves between two writes that should be one: a fault must find the gap within a short run. */
const gapMs = 30

export function mutated(store: Store<Sql>, pool: Sql, mutant: Mutant): Store<Sql> {
  const save = (lane: Lane, progress: Progress): Promise<void> => store.lanes.save(pool, lane, progress)
  switch (mutant) {
    case 'ack before commit':
      return {
        ...store,
        lanes: {
          ...store.lanes,
          async save(_, lane, progress) {
            await save(lane, progress)
            await sleep(gapMs)
          },
        },
      }
    case 'progress outside the transaction': {
      const after = new WeakMap<Sql, () => Promise<void>>()
      return {
        ...store,
        lanes: {
          ...store.lanes,
          async save(tx, lane, progress) {
            after.set(tx, () => save(lane, progress))
          },
        },
        unitOfWork: {
          async run(work, last) {
            let used: Sql | null = null
            const result = await store.unitOfWork.run(work, async (tx) => {
              used = tx
              await last?.(tx)
            })
            await sleep(gapMs)
            if (used !== null) await after.get(used)?.()
            return result
          },
        },
      }
    }
    case 'no fence':
      return {
        ...store,
        lanes: {
          ...store.lanes,
          async save(tx, { group, index }, { cursor, marks }) {
            await tx.query(
              `UPDATE estafet.lane SET cursor = $5, marks = $6, abandoned = 0
               WHERE subscription = $1 AND feed = $2 AND epoch = $3 AND lane = $4`,
              [group.subscription, group.feed, group.epoch, index, cursor.toString(), marksText(marks)],
            )
          },
        },
      }
  }
}

function marksText(marks: Progress['marks']): string | null {
  const entries = Object.entries(marks).map(([chain, position]) => [chain, position.toString()])
  return entries.length === 0 ? null : JSON.stringify(Object.fromEntries(entries))
}
