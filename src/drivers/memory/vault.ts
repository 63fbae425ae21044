import type { Eraser, Vault } from '../../ports/vault.ts'
import type { MemoryTransaction } from './database.ts'
import type { MemorySession } from './session.ts'

/** Keys of persons in a memory database. What it seals can be read by anybody: it is for tests. */
export function memoryVault({ database, interrupt }: MemorySession): Vault & Eraser<MemoryTransaction> {
  /** True for who was erased. */
  const subjects = database.table<boolean>('subject')
  const erasing = new WeakMap<MemoryTransaction, Set<string>>()
  let sealedCount = 0
  return {
    async seal(values) {
      await interrupt('seal')
      for (const { subject } of values) if (!subjects.has(subject)) subjects.set(subject, false)
      return values.map(({ subject, place, text }) =>
        // Never the same twice, as with a real one.
        subjects.get(subject) === true ? null : JSON.stringify([subject, place, text, ++sealedCount]),
      )
    },

    async open(values) {
      await interrupt('open')
      return values.map(({ subject, place, sealed }) => {
        if (subjects.get(subject) === true) return { kind: 'erased' }
        const [sealedFor, sealedAt, text] = partsOf(sealed)
        const fits = subjects.has(subject) && sealedFor === subject && sealedAt === place && text !== undefined
        return fits ? { kind: 'opened', text } : { kind: 'refused' }
      })
    },

    erase(tx, subject) {
      return database.statement(tx, async () => {
        await interrupt('erase')
        await database.lock(tx, `subject ${subject}`, 'exclusive')
        const own = erasing.get(tx) ?? new Set()
        if (subjects.get(subject) === true || own.has(subject)) return false
        erasing.set(tx, own.add(subject))
        tx.atCommit(() => void subjects.set(subject, true))
        return true
      })
    },
  }
}

function partsOf(sealed: string): readonly string[] {
  try {
    const parts: unknown = JSON.parse(sealed)
    return Array.isArray(parts) ? parts.filter((part) => typeof part === 'string') : []
  } catch {
    return []
  }
}
