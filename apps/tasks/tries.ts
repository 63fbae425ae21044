import type { HandlerOptions } from 'estafet'

/**
 * At most 3 attempts, then the dead letter. No event of this system waits for another one, so that a dead letter keeps
 * nothing else of its key waiting.
 */
export const tries = {
  retry: [{ immediate: 0, delayed: 2, backOff: { firstMs: 200, maxMs: 2_000 } }],
  whenDead: 'skip',
} as const satisfies HandlerOptions
