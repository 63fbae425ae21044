import type { Lane } from '../../ports/lane-store.ts'
import type { ParkedEntry, Parking } from '../../ports/parking.ts'
import type { MemoryTransaction } from './database.ts'
import { type ParkedQueues, parkedQueues } from './parked-queue.ts'
import type { MemorySession } from './session.ts'

/** Parked keys of a memory database. A transaction does not see what it parked itself before it has committed. */
export function memoryParking({ database, interrupt }: MemorySession): Parking<MemoryTransaction> {
  return {
    async keys({ group, index }) {
      await interrupt('parked keys')
      return parkedQueues(database, group)
        .rows()
        .filter(({ lane }) => lane === index)
        .map(({ key }) => key)
    },

    hold(tx, { group }, keys) {
      return database.statement(tx, async () => {
        await interrupt('hold')
        return holdKeys(tx, parkedQueues(database, group), keys)
      })
    },

    park,

    parkUntried(tx, lane, messages) {
      return park(
        tx,
        lane,
        messages.map((message) => ({ message, failure: null })),
      )
    },
  }

  /** A new first message begins its key's queue, unless it is a dead letter that blocks nothing. */
  function begin(queues: ParkedQueues, { message, failure }: ParkedEntry, number: bigint): void {
    queues.settle(message.key)
    if (failure?.next.kind !== 'retry' || queues.row(message.key)?.head !== number) return
    queues.change(message.key, { nextAt: database.clock.now() + failure.next.afterMs })
  }

  /** In one order for everybody, as the locks of one statement are. */
  async function holdKeys(
    tx: MemoryTransaction,
    queues: ParkedQueues,
    keys: readonly string[],
  ): Promise<readonly string[]> {
    const held: string[] = []
    for (const key of [...new Set(keys)].sort()) {
      // Where there is no row there is nothing to lock; and it may be gone once we have waited for it.
      if (queues.row(key) === undefined) continue
      await database.lock(tx, queues.queueLock(key), 'shared')
      if (queues.row(key) !== undefined) held.push(key)
    }
    return held
  }

  async function park(tx: MemoryTransaction, lane: Lane, entries: readonly ParkedEntry[]): Promise<void> {
    const queues = parkedQueues(database, lane.group)
    const untried = entries.filter(({ failure }) => failure === null)
    for (const entry of entries.filter(({ failure }) => failure !== null)) {
      await parkTogether(tx, lane, queues, [entry])
    }
    if (untried.length > 0) await parkTogether(tx, lane, queues, untried)
  }

  function parkTogether(
    tx: MemoryTransaction,
    lane: Lane,
    queues: ParkedQueues,
    entries: readonly ParkedEntry[],
  ): Promise<void> {
    return database.statement(tx, async () => {
      await interrupt('park')
      const untried = entries.filter(({ failure }) => failure === null).map(({ message }) => message.key)
      const held = await holdKeys(tx, queues, untried)
      const changed = entries.map(({ message }) => message.key).filter((key) => !held.includes(key))
      for (const key of [...new Set(changed)].sort()) {
        await database.lock(tx, queues.queueLock(key), 'exclusive')
        await database.lock(tx, queues.rowLock(key), 'exclusive')
      }
      tx.atCommit(() => {
        for (const entry of entries) {
          const number = queues.add(lane.index, entry)
          if (number !== null && !held.includes(entry.message.key)) begin(queues, entry, number)
        }
      })
    })
  }
}
