import { EstafetError } from '../../message/errors.ts'
import type { LaneGroup } from '../../ports/lane-store.ts'
import type { NextStep } from '../../ports/parking.ts'
import type { Attempt, DueKeys, ParkedKey, Retries } from '../../ports/retries.ts'
import type { MemoryTransaction } from './database.ts'
import { type ParkedKeyRow, type ParkedQueues, parkedQueues } from './parked-queue.ts'
import type { MemorySession } from './session.ts'
import { memoryUnitOfWork } from './unit-of-work.ts'

/** Which rules to leave out: only for tests that show what each is for. */
export interface RetryMutations {
  readonly checksFence: boolean
  readonly locksQueue: boolean
}

/** Attempts at parked keys of a memory database. */
export function memoryRetries(
  session: MemorySession,
  mutations: RetryMutations = { checksFence: true, locksQueue: true },
): Retries<MemoryTransaction> {
  const { database, interrupt } = session
  const unitOfWork = memoryUnitOfWork(session)
  return {
    async due(group, lanes, limit) {
      await interrupt('due')
      return dueOf(parkedQueues(database, group), lanes, limit, database.clock.now())
    },

    begin({ group, key }, _by, heldMs) {
      return unitOfWork.run((tx) => begin(tx, group, key, heldMs))
    },

    applied(tx, { parked, fence, number }) {
      return database.statement(tx, async () => {
        await interrupt('attempt applied')
        const queues = parkedQueues(database, parked.group)
        if (mutations.locksQueue) await database.lock(tx, queues.queueLock(parked.key), 'exclusive')
        await database.lock(tx, queues.rowLock(parked.key), 'exclusive')
        if (!isUnder(queues, parked.key, fence, number)) {
          tx.doom()
          throw new EstafetError('FENCED', 'Another attempt has begun, or somebody decided; nothing was written.')
        }
        // Decided now and not at the commit, as a statement does: the lock alone keeps it true until then.
        const isLast = queues.next(parked.key, number) === undefined
        tx.atCommit(() => {
          queues.take(number)
          if (isLast) queues.free(parked.key)
          else queues.settle(parked.key)
        })
      })
    },

    async failed(attempt, { next }) {
      await unitOfWork.run((tx) => save(tx, attempt, next))
    },

    buried: (tx, attempt, { next }) => database.statement(tx, () => save(tx, attempt, next)),
  }

  async function save(tx: MemoryTransaction, { parked, fence, number }: Attempt, next: NextStep): Promise<boolean> {
    await interrupt('attempt failed')
    const queues = parkedQueues(database, parked.group)
    // The key may come free with it.
    if (next.kind === 'dead') await database.lock(tx, queues.queueLock(parked.key), 'exclusive')
    await database.lock(tx, queues.rowLock(parked.key), 'exclusive')
    if (!isUnder(queues, parked.key, fence, number)) return false
    tx.atCommit(() => {
      // Another fence: this attempt is over, and saving its failure again does nothing.
      const nextAt = database.clock.now() + afterMs(next)
      const before = queues.row(parked.key)
      const isCounted = next.kind === 'dead' || next.isCounted
      queues.change(parked.key, {
        ...{ fence: queues.nextFence(), isUnderWay: false, nextAt },
        tries: (before?.tries ?? 0) - (isCounted ? 0 : 1),
        // Only an unbroken run of them tells something.
        crashes: isCounted ? 0 : (before?.crashes ?? 0),
      })
      if (next.kind === 'retry') return
      queues.bury(number, next.blocks)
      queues.settle(parked.key)
    })
    return true
  }

  async function begin(tx: MemoryTransaction, group: LaneGroup, key: string, heldMs: number): Promise<Attempt | null> {
    const queues = parkedQueues(database, group)
    // A frozen process's open transaction must not freeze those who try other keys.
    if (database.holders(queues.rowLock(key)).length > 0) return null
    await database.lock(tx, queues.rowLock(key), 'exclusive')
    const row = queues.row(key)
    if (row === undefined || !isDue(row, database.clock.now())) return null
    const head = queues.message(row.head)
    if (head === undefined) return null
    const fence = queues.nextFence()
    const [tries, crashes] = [row.tries + 1, row.crashes + (row.isUnderWay ? 1 : 0)]
    tx.atCommit(() =>
      queues.change(key, { fence, tries, crashes, isUnderWay: true, nextAt: database.clock.now() + heldMs }),
    )
    return { parked: { group, key }, fence, message: head.message, number: row.head, tries, crashes, isRedriven: false }
  }

  function isUnder(queues: ParkedQueues, key: ParkedKey['key'], fence: bigint, number: bigint): boolean {
    const row = queues.row(key)
    return !mutations.checksFence || (row?.head === number && row.fence === fence)
  }
}

function dueOf(queues: ParkedQueues, lanes: readonly number[], limit: number, now: number): DueKeys {
  const rows = queues
    .rows()
    .filter(({ state, lane }) => state === 'retrying' && lanes.includes(lane))
    .sort((a, b) => a.nextAt - b.nextAt)
  const [first] = rows
  const messages = queues.messages()
  return {
    keys: rows
      .filter((row) => isDue(row, now))
      .slice(0, limit)
      .map(({ key }) => key),
    nextMs: first === undefined ? null : Math.max(0, first.nextAt - now),
    load: {
      keys: queues.rows().length,
      messages: messages.filter((row) => row.isBlocking || !row.isDead).length,
      dead: messages.filter((row) => row.isDead).length,
    },
    isPaused: queues.isPaused,
  }
}

function isDue({ state, nextAt }: ParkedKeyRow, now: number): boolean {
  return state === 'retrying' && nextAt <= now
}

function afterMs(next: NextStep): number {
  return next.kind === 'retry' ? next.afterMs : 0
}
