import type { ChildProcess } from 'node:child_process'

/**
 * Resolves with the signal or the exit code that ended the process.
 *
 * Rejects when it goes on for `boundMs`: a step that is never reached must fail its own test, not hold up the others.
 */
export function ended(child: ChildProcess, boundMs = 60_000): Promise<NodeJS.Signals | number | null> {
  if (child.signalCode !== null || child.exitCode !== null) return Promise.resolve(child.signalCode ?? child.exitCode)
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the process did not end in ${boundMs} ms`)), boundMs)
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      resolve(signal ?? code)
    })
  })
}
