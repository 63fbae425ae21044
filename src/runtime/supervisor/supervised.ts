import type { Announcement } from './supervise.ts'

/**
 * Called once by a supervised process: says that it is ready, and ends it in good order, by `stop`, when the supervisor
 * asks for it or is gone. Works without a supervisor, too: then Ctrl-C and SIGTERM do the same.
 */
export function supervised(said: Announcement, stop: () => Promise<void>): void {
  let isEnding = false
  const end = (): void => {
    if (isEnding) return
    isEnding = true
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`stop failed: ${error instanceof Error ? error.message : 'unknown'}\n`)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', end)
  if (process.send === undefined) {
    process.on('SIGINT', end)
    return
  }
  // Ctrl-C reaches every process of the terminal; the supervisor hears it as well and asks us in its own time.
  process.on('SIGINT', () => {})
  process.on('disconnect', end)
  process.on('message', (message) => {
    if (typeof message === 'object' && message !== null && 'pulse' in message) process.send?.({ pulse: true }, () => {})
  })
  process.send({ ready: said })
}
