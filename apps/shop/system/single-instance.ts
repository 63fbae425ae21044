import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Another shop runs on the same folder. */
export class AlreadyRunning extends Error {}

/**
 * Takes a folder for this process alone until it ends, however it ends: the lock is the operating system's. Returns what
 * gives it back. Throws AlreadyRunning.
 */
export function takeFolder(home: string): () => void {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const lock = new DatabaseSync(join(home, 'running.lock'))
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (!isBusy(error)) throw error
    throw new AlreadyRunning(
      `Another shop is running on ${home}: stop it (Ctrl-C where it runs), or give this one a folder by --home.`,
      { cause: error },
    )
  }
  return () => lock.close()
}

function isBusy(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'errcode' in error && error.errcode === 5
}
