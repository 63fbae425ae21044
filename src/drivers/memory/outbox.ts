import { EstafetError } from '../../message/errors.ts'
import type { EncodedMessage, StoredMessage } from '../../message/message.ts'
import type { Outbox } from '../../ports/outbox.ts'
import type { MemoryDatabase, MemoryTransaction } from './database.ts'
import type { MemorySession } from './session.ts'

export const logLock = 'log'

/** Which steps of the log protocol to leave out: only for tests that show what each is for. */
export interface OutboxMutations {
  readonly hasLogLock: boolean
  readonly hasKeyLock: boolean
}

/** The log of a memory database. */
export function memoryOutbox(
  session: MemorySession,
  source: string,
  mutations: OutboxMutations = { hasLogLock: true, hasKeyLock: true },
): Outbox<MemoryTransaction> {
  const { database, interrupt } = session
  async function write(tx: MemoryTransaction, messages: readonly EncodedMessage[]): Promise<readonly bigint[]> {
    await interrupt('append')
    if (mutations.hasLogLock) await database.lock(tx, logLock, 'shared')
    if (mutations.hasKeyLock) {
      for (const slot of [...new Set(messages.map(({ key }) => slotOf(key)))].sort((a, b) => a - b)) {
        await database.lock(tx, `slot ${slot}`, 'exclusive')
      }
    }
    const time = new Date(database.clock.now()).toISOString()
    const stored: StoredMessage[] = []
    for (const message of messages) {
      stored.push({ ...message, source, epoch: epochOf(database), position: database.draw(), time })
      await interrupt('position drawn')
    }
    tx.atCommit(() => {
      for (const message of stored) messagesOf(database).set(message.position.toString(), message)
    })
    return stored.map(({ position }) => position)
  }
  return {
    async append(tx, messages) {
      // On a lost one it fails like every statement, and that is worth another try.
      if (tx.isOpen || tx.isLost) return database.statement(tx, () => write(tx, messages))
      throw new EstafetError('NOT_IN_TRANSACTION', 'publish needs an open transaction; nothing was written.')
    },
  }
}

/** The committed messages, by position. */
export function messagesOf(database: MemoryDatabase): Map<string, StoredMessage> {
  return database.table<StoredMessage>('outbox')
}

export function epochOf(database: MemoryDatabase): string {
  return database.table<string>('epoch').get('epoch') ?? 'epoch-1'
}

/** Which lock and lane a key belongs to: FNV-1a, 4096 slots. */
export function slotOf(key: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return (hash >>> 0) % 4096
}
