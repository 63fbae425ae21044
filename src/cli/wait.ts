import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from './command.ts'
import { CommandFailure } from './failure.ts'

/** Pauses; ends early when Ctrl-C comes. */
export async function pause(call: Pick<Call, 'signal'>, pauseMs: number): Promise<void> {
  // Aborted: whoever waits sees it by the signal.
  await sleep(pauseMs, undefined, { signal: call.signal }).catch(() => {})
}

/**
 * Looks until there is something, for as long as --timeout says. Throws a TIMEOUT failure when there is not in time,
 * with what `still` says of how it stands; a failure to reach a service is waited out, too.
 */
export async function waitFor<Found>(
  call: Pick<Call, 'signal' | 'options'>,
  look: () => Promise<Found | null>,
  still: string,
): Promise<Found> {
  const timeoutMs = call.options.spanMs('timeout') ?? 60_000
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const found = await look().catch((error: unknown) => {
      if (error instanceof CommandFailure && error.exit === 'unreachable') return null
      throw error
    })
    if (found !== null) return found
    if (call.signal.aborted) throw new CommandFailure('interrupted', 'INTERRUPTED', 'Interrupted while waiting.')
    if (performance.now() >= deadline) {
      throw new CommandFailure(
        'timeout',
        'TIMEOUT',
        `${still} after ${timeoutMs} ms.`,
        'Give --wait more time by --timeout.',
      )
    }
    await pause(call, Math.min(250, Math.max(1, deadline - performance.now())))
  }
}
