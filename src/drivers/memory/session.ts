import type { Interrupt, MemoryDatabase } from './database.ts'

/** One process's way to a memory database. */
export interface MemorySession {
  readonly database: MemoryDatabase
  /** The process; its transactions end when it is disconnected. */
  readonly owner: string
  readonly interrupt: Interrupt
}

/** A session that nothing interrupts. */
export function memorySession(database: MemoryDatabase, owner = 'process'): MemorySession {
  return { database, owner, interrupt: () => Promise.resolve() }
}
