// For a process of a test that kills itself at a named step.
import type { Store } from 'estafet'

/** Kill -9 at this step, the n-th time it is reached; null for never. */
export type Fail = { readonly point: string; readonly times: number } | null

/** Called at each step with its name. */
export type Reach = (point: string) => void

export function dyingAt(fail: Fail): Reach {
  let left = fail?.times ?? 0
  return (point) => {
    if (fail?.point === point && --left === 0) process.kill(process.pid, 'SIGKILL')
  }
}

/** The store, with a step before and after everything that it does. */
export function stepping<Tx>(store: Store<Tx>, reach: Reach): Store<Tx> {
  return {
    ...store,
    unitOfWork: {
      async run(work, last) {
        reach('before begin')
        const result = await store.unitOfWork.run(
          async (tx) => {
            reach('begun')
            return work(tx)
          },
          async (tx) => {
            await last?.(tx)
            reach('before commit')
          },
        )
        reach('after commit')
        return result
      },
    },
    lanes: {
      ...store.lanes,
      async take(group, lane, owner, leaseMs) {
        const taken = await store.lanes.take(group, lane, owner, leaseMs)
        reach('after take')
        return taken
      },
      async save(tx, lane, progress) {
        reach('before save')
        await store.lanes.save(tx, lane, progress)
        reach('after save')
      },
    },
    parking: {
      ...store.parking,
      async park(tx, lane, entries) {
        await store.parking.park(tx, lane, entries)
        reach('after park')
      },
    },
    retries: {
      ...store.retries,
      async begin(parked, by, heldMs) {
        const attempt = await store.retries.begin(parked, by, heldMs)
        if (attempt !== null) reach('attempt begun')
        return attempt
      },
      async applied(tx, attempt) {
        await store.retries.applied(tx, attempt)
        reach('attempt applied')
      },
      async failed(attempt, failure) {
        reach('attempt failing')
        await store.retries.failed(attempt, failure)
        reach('attempt failed')
      },
    },
    async prepare(messages) {
      const write = await store.prepare(messages)
      return async (tx) => {
        reach('before publish')
        await write(tx)
        reach('after publish')
      }
    },
  }
}
