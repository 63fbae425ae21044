import type { ParkingDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { memoryParkingDriver } from './memory-driver.ts'

type Driver = ParkingDriver<MemoryTransaction>
type Retries = Driver['retries']
type Attempt = NonNullable<Awaited<ReturnType<Retries['begin']>>>
type DueKeys = Awaited<ReturnType<Retries['due']>>

/** Retries that each break one promise, by what is wrong with them. */
export const brokenRetries: Readonly<Record<string, () => Driver>> = {
  'counts what says nothing about the message': () =>
    withRetries((retries) => ({
      failed: (attempt, failure) =>
        retries.failed(
          attempt,
          failure.next.kind === 'retry' ? { ...failure, next: { ...failure.next, isCounted: true } } : failure,
        ),
    })),
  'counts no crash': () => withAttempts((attempt) => ({ ...attempt, crashes: 0 })),
  'takes every failure for a crash': () => withAttempts((attempt) => ({ ...attempt, crashes: attempt.tries - 1 })),
  'counts no attempt': () => withAttempts((attempt) => ({ ...attempt, tries: 1 })),
  'goes on counting with the next message': () => {
    let tries = 0
    return withAttempts((attempt) => ({ ...attempt, tries: ++tries }))
  },
  'begins before the time has come': () =>
    withRetries((retries, driver) => ({
      async begin(parked, by, heldMs) {
        const attempt = await retries.begin(parked, by, heldMs)
        if (attempt !== null) return attempt
        await driver.lapse(60_000)
        return retries.begin(parked, by, heldMs)
      },
    })),
  'begins with a key that is dead': () => {
    let last: Attempt | null = null
    return withRetries((retries) => ({
      async begin(parked, by, heldMs) {
        const attempt = await retries.begin(parked, by, heldMs)
        const { load } = await retries.due(parked.group, [], 1)
        last = attempt ?? (load.dead > 0 ? last : null)
        return last
      },
    }))
  },
  'begins twice at the same time': () => {
    let begun: Promise<Attempt | null> | null = null
    return withRetries((retries) => ({
      begin(parked, by, heldMs) {
        begun ??= retries.begin(parked, by, heldMs).finally(() => {
          begun = null
        })
        return begun
      },
    }))
  },
  'keeps the fence from one attempt to the next': () =>
    withAttempts((attempt) => ({ ...attempt, fence: 1n }), 'lenient'),
  'begins each queue at the first fence': () => {
    const firstFences = new Map<bigint, bigint>()
    return withAttempts((attempt) => {
      const first = firstFences.get(attempt.number) ?? attempt.fence
      firstFences.set(attempt.number, first)
      return { ...attempt, fence: attempt.fence - first + 1n }
    }, 'lenient')
  },
  'waits for the one who applies': () => {
    const held = Promise.withResolvers<void>()
    let isApplying = false
    return withRetries((retries) => ({
      async begin(parked, by, heldMs) {
        if (isApplying) await held.promise
        return retries.begin(parked, by, heldMs)
      },
      applied(tx, attempt) {
        isApplying = true
        return retries.applied(tx, attempt)
      },
    }))
  },
  'begins while another applies': () => {
    const begun = new Map<string, Attempt>()
    return withRetries((retries) => ({
      async begin(parked, by, heldMs) {
        const attempt = await retries.begin(parked, by, heldMs)
        if (attempt !== null) begun.set(parked.key, attempt)
        return attempt ?? begun.get(parked.key) ?? null
      },
    }))
  },
  'takes messages off outside the transaction': () =>
    withRetries((retries, { unitOfWork }) => ({
      applied: (_, attempt) => unitOfWork.run((tx) => retries.applied(tx, attempt)),
    })),
  'never takes a message off': () => withRetries(() => ({ applied: () => Promise.resolve() })),
  'ignores the fence': () => memoryParkingDriver({ checksFence: false, locksQueue: true }),
  'lets an attempt apply whatever is first': () =>
    withRetries((retries, { lapse }) => ({
      async applied(tx, attempt) {
        const { keys } = await retries.due(attempt.parked.group, [0], 1)
        const now = keys.length === 0 ? null : await retries.begin(attempt.parked, { owner: '', serviceVersion: '' }, 0)
        await lapse(1)
        await retries.applied(tx, now ?? attempt)
      },
    })),
  'lets a refused attempt commit the rest': () =>
    withRetries((retries) => ({ applied: (tx, attempt) => retries.applied({ ...tx, doom() {} }, attempt) })),
  'tries again at once': () =>
    withRetries((retries) => ({
      failed: (attempt, failure) =>
        retries.failed(
          attempt,
          failure.next.kind === 'retry'
            ? { ...failure, next: { kind: 'retry', afterMs: 0, isCounted: true } }
            : failure,
        ),
    })),
  'loses failures': () => withRetries(() => ({ failed: () => Promise.resolve() })),
  'buries in a transaction of its own': () =>
    withRetries((retries) => ({
      async buried(_tx, attempt, failure) {
        await retries.failed(attempt, failure)
        return true
      },
    })),
  'saves the failure of an attempt that is over': () => {
    const latest = new Map<bigint, Attempt>()
    return withRetries((retries) => ({
      async begin(parked, by, heldMs) {
        const attempt = await retries.begin(parked, by, heldMs)
        if (attempt !== null) latest.set(attempt.number, attempt)
        return attempt
      },
      failed: (attempt, failure) => retries.failed(latest.get(attempt.number) ?? attempt, failure),
    }))
  },
  'saves a failure again': () => {
    let saved = 0n
    return withRetries((retries, driver) => ({
      async failed(attempt, failure) {
        if (saved !== attempt.fence) {
          saved = attempt.fence
          return retries.failed(attempt, failure)
        }
        await driver.lapse(1)
        const again = await retries.begin(attempt.parked, { owner: '', serviceVersion: '' }, 0)
        if (again !== null) await retries.failed(again, failure)
      },
    }))
  },
  'lets every dead letter block': () => withBlocks(true),
  'lets no dead letter block': () => withBlocks(false),
  'asks a dead key again and again': () =>
    withDue((due) => ({ ...due, nextMs: due.load.dead > 0 && due.keys.length === 0 ? 0 : due.nextMs })),
  'sorts what is due by name': () => withDue((due) => ({ ...due, keys: [...due.keys].sort() })),
  'gives more than was asked for': () =>
    withRetries((retries) => ({ due: (group, lanes) => retries.due(group, lanes, 1000) })),
  'gives what is due in any lane': () =>
    withRetries((retries) => ({ due: (group, _, limit) => retries.due(group, [0, 1], limit) })),
  'counts no dead letters': () => withDue((due) => ({ ...due, load: { ...due.load, dead: 0 } })),
  'counts keys for messages': () => withDue((due) => ({ ...due, load: { ...due.load, messages: due.load.keys } })),
  'does not say when the next is due': () => withDue((due) => ({ ...due, nextMs: null })),
  'never says that it is paused': () => withDue((due) => ({ ...due, isPaused: false })),
  'pauses all subscriptions with one': () => {
    let isPaused = false
    const driver = withDue((due) => ({ ...due, isPaused }))
    return {
      ...driver,
      pause() {
        isPaused = true
        return Promise.resolve()
      },
    }
  },
  'tries the keys of another subscription': () =>
    withRetries((retries) => ({
      due: (group, lanes, limit) => retries.due({ ...group, subscription: 's' }, lanes, limit),
      begin: (parked, by, heldMs) =>
        retries.begin({ ...parked, group: { ...parked.group, subscription: 's' } }, by, heldMs),
    })),
  'tries the keys of another feed': () =>
    withRetries((retries) => ({
      due: (group, lanes, limit) => retries.due({ ...group, feed: 'f' }, lanes, limit),
      begin: (parked, by, heldMs) => retries.begin({ ...parked, group: { ...parked.group, feed: 'f' } }, by, heldMs),
    })),
}

function withRetries(change: (retries: Retries, driver: Driver) => Partial<Retries>, base?: Driver): Driver {
  const driver = base ?? memoryParkingDriver()
  return { ...driver, retries: { ...driver.retries, ...change(driver.retries, driver) } }
}

/** `lenient`: a store that does not look at the fence, so that a wrong one is not refused. */
function withAttempts(change: (attempt: Attempt) => Attempt, fences: 'lenient' | 'strict' = 'strict'): Driver {
  const base = memoryParkingDriver({ checksFence: fences === 'strict', locksQueue: true })
  return withRetries(
    (retries) => ({
      async begin(parked, by, heldMs) {
        const attempt = await retries.begin(parked, by, heldMs)
        return attempt === null ? null : change(attempt)
      },
    }),
    base,
  )
}

function withDue(change: (due: DueKeys) => DueKeys): Driver {
  return withRetries((retries) => ({
    due: async (group, lanes, limit) => change(await retries.due(group, lanes, limit)),
  }))
}

function withBlocks(blocks: boolean): Driver {
  return withRetries((retries) => ({
    failed: (attempt, failure) =>
      retries.failed(attempt, failure.next.kind === 'dead' ? { ...failure, next: { kind: 'dead', blocks } } : failure),
  }))
}
