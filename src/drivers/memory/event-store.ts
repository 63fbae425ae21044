import { EstafetError } from '../../message/errors.ts'
import type {
  Appended,
  AppendOptions,
  EventStore,
  RecordedEvent,
  StreamAppend,
  StreamName,
  StreamRange,
} from '../../ports/event-store.ts'
import type { MemoryDatabase, MemoryTransaction } from './database.ts'
import { epochOf, slotOf } from './outbox.ts'
import type { MemorySession } from './session.ts'

export const eventLogLock = 'event log'

/** Which steps to leave out: only for tests that show what each is for. */
export interface EventStoreMutations {
  readonly hasLogLock: boolean
  readonly hasStreamLock: boolean
  readonly checksAppendIds: boolean
}

interface KnownAppend extends Appended {
  readonly said: string
}

/** The event store of a memory database. */
export function memoryEventStore(
  session: MemorySession,
  source: string,
  mutations: EventStoreMutations = { hasLogLock: true, hasStreamLock: true, checksAppendIds: true },
): EventStore<MemoryTransaction> {
  const { database, interrupt } = session
  const written = new WeakMap<MemoryTransaction, RecordedEvent[]>()
  const appendIds = database.table<KnownAppend>('append ids')

  const seenBy = (tx: MemoryTransaction | null, stream: StreamName): readonly RecordedEvent[] =>
    [...eventsOf(database).values(), ...(tx === null ? [] : (written.get(tx) ?? []))]
      .filter(({ topic, key }) => topic === stream.type && key === stream.id)
      .sort((a, b) => a.streamVersion - b.streamVersion)

  async function write(
    tx: MemoryTransaction,
    appends: readonly StreamAppend[],
    { refusesRepeats = false }: AppendOptions,
  ): Promise<readonly Appended[]> {
    await interrupt('append events')
    if (mutations.hasLogLock) await database.lock(tx, eventLogLock, 'shared')
    if (mutations.hasStreamLock) {
      for (const slot of [...new Set(appends.map(({ stream }) => slotOf(stream.id)))].sort((a, b) => a - b)) {
        await database.lock(tx, `event slot ${slot}`, 'exclusive')
      }
    }
    const done: Appended[] = []
    for (const append of appends) {
      const appended = await one(tx, append)
      if (appended.isRepeat && refusesRepeats) {
        throw doomed(tx, new EstafetError('CONFLICT', 'Another try of this append was first; nothing was written.'))
      }
      done.push(appended)
    }
    return done
  }

  async function one(tx: MemoryTransaction, append: StreamAppend): Promise<Appended> {
    const { stream, expected, events, appendId } = append
    const name = appendName(stream, appendId)
    const said = JSON.stringify(events.map(({ type, version, payload }) => [type, version, payload]))
    const known = appendId === null || !mutations.checksAppendIds ? undefined : appendIds.get(name)
    if (known !== undefined && known.said !== said) throw doomed(tx, reused(stream))
    if (known !== undefined) return { version: known.version, position: known.position, isRepeat: true }
    let version = seenBy(tx, stream).at(-1)?.streamVersion ?? 0
    if (!fits(expected, version)) throw doomed(tx, wrongVersion(stream, String(expected), version))
    const recorded: RecordedEvent[] = []
    for (const event of events) {
      version += 1
      const place = { source, epoch: epochOf(database), position: database.draw() }
      const time = new Date(database.clock.now()).toISOString()
      recorded.push({ ...event, ...place, time, topic: stream.type, key: stream.id, streamVersion: version })
      await interrupt('event position drawn')
    }
    written.set(tx, [...(written.get(tx) ?? []), ...recorded])
    const appended = { version, position: recorded.at(-1)?.position ?? null, isRepeat: false }
    tx.atCommit(() => {
      for (const event of recorded) {
        const at = `${JSON.stringify([stream.type, stream.id])} ${event.streamVersion}`
        // The unique constraint; it cannot be met while the lock is held.
        if (eventsOf(database).has(at)) throw wrongVersion(stream, String(expected), event.streamVersion)
        eventsOf(database).set(at, event)
      }
      if (appendId !== null) appendIds.set(name, { ...appended, said })
    })
    return appended
  }

  const readIn = async (
    tx: MemoryTransaction | null,
    stream: StreamName,
    { after, upTo, limit }: StreamRange,
  ): Promise<readonly RecordedEvent[]> => {
    await interrupt('read stream')
    return seenBy(tx, stream)
      .filter(({ streamVersion }) => streamVersion > after && (upTo === null || streamVersion <= upTo))
      .slice(0, limit)
  }

  return {
    async append(tx, appends, options = {}) {
      if (appends.length === 0) return []
      if (tx.isOpen || tx.isLost) return database.statement(tx, () => write(tx, appends, options))
      throw new EstafetError('NOT_IN_TRANSACTION', 'append needs an open transaction; nothing was written.')
    },
    appended(tx, stream, appendId) {
      return database.statement(tx, async () => {
        await interrupt('find append')
        const known = appendIds.get(appendName(stream, appendId))
        return known === undefined ? null : { version: known.version, position: known.position, isRepeat: true }
      })
    },
    read: (stream, range) => readIn(null, stream, range),
    readIn: (tx, stream, range) => database.statement(tx, () => readIn(tx, stream, range)),
  }
}

function appendName({ type, id }: StreamName, appendId: string | null): string {
  return JSON.stringify([type, id, appendId])
}

/** The committed events, by stream and version. */
export function eventsOf(database: MemoryDatabase): Map<string, RecordedEvent> {
  return database.table<RecordedEvent>('event')
}

function fits(expected: StreamAppend['expected'], version: number): boolean {
  if (expected === 'any') return true
  if (expected === 'new') return version === 0
  return expected === 'existing' ? version > 0 : expected === version
}

/** A failed statement leaves a transaction nothing but to roll back. */
function doomed(tx: MemoryTransaction, error: EstafetError): EstafetError {
  tx.doom()
  return error
}

function wrongVersion({ type }: StreamName, expected: string, actual: number): EstafetError {
  return new EstafetError(
    'WRONG_VERSION',
    `A stream of ${type} was expected to be ${/^\d+$/.test(expected) ? 'at version ' : ''}${expected} and is at version ${actual}; nothing was written.`,
    { details: { type, expected, actual } },
  )
}

function reused({ type }: StreamName): EstafetError {
  return new EstafetError(
    'APPEND_ID_REUSED',
    `Other events were appended to this stream of ${type} under this append id.`,
    {
      details: { type },
    },
  )
}
