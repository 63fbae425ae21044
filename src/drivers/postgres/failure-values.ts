import type { Failure, NextStep } from '../../ports/parking.ts'

/**
 * A failure's texts, for columns. PostgreSQL's text has no NUL, and an error may hold any character: a failure that could
 * not be saved would stop its lane.
 */
export function failureTexts({ handler, errorName, errorMessage, stack, fingerprint }: Failure): readonly string[] {
  return [handler, errorName, errorMessage, stack, fingerprint].map((text) => text.replaceAll('\u0000', '\ufffd'))
}

/** After how many ms it is tried again, or null; and whether, if it is dead, it blocks its key. */
export function nextStepValues(next: NextStep): readonly [number | null, boolean] {
  return [next.kind === 'retry' ? Math.round(next.afterMs) : null, next.kind === 'dead' && next.blocks]
}

/** Whether the attempt is taken off the message's budget. */
export function isCounted(next: NextStep): boolean {
  return next.kind === 'dead' || next.isCounted
}
