import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Another process has the folder. */
export class FolderInUse extends Error {}

/**
 * Takes a folder for this process alone, made when missing, until it ends, however it ends: the lock is the operating system's.
 * Returns what gives it back. Throws FolderInUse.
 */
export function takeFolder(home: string): () => void {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const lock = new DatabaseSync(join(home, 'running.lock'))
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (!isBusy(error)) throw error
    throw new FolderInUse(`Another process has the folder ${home}.`, { cause: error })
  }
  return () => lock.close()
}

function isBusy(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'errcode' in error && error.errcode === 5
}
