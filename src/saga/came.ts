import { isOpen, type Journal, keptRequest } from './journal.ts'
import { encoded } from './saga.ts'

/** An answer as it came, with its result not yet read. */
export interface CameAnswer {
  readonly answers: 'request' | 'cancel'
  readonly answer: { readonly outcome: 'done' | 'refused' | 'cancelled' }
}

/**
 * Puts the answer to a step into the journal. False when it changes nothing: it came twice, or late.
 *
 * A step that is being taken back is at its end when *that* is answered: a late *done* says nothing about it. The fence of who was
 * asked makes each answer true for good, R6.4.
 */
export function takeAnswer(
  journal: Journal,
  { name, service }: { readonly name: string; readonly service: string },
  command: string,
  { answers, answer }: CameAnswer,
): boolean {
  const step = journal.get(name)
  if (step === undefined || step.kind !== 'request' || !isOpen(step)) return false
  // Whoever says so was not asked.
  const asked = keptRequest(step)
  if (asked.type !== command || asked.service !== service) return false
  const isTakenBack = step.state === 'cancelling' || step.state === 'undoing'
  if (isTakenBack !== (answers === 'cancel')) return false
  const { outcome } = answer
  if (step.state !== 'undoing') {
    journal.change(name, { state: outcome, value: encoded(answer), tries: 0 }, null)
    return true
  }
  // It has no effect, or it was never done. What the function was told of it stays what it was told.
  if (outcome !== 'done') journal.change(name, { state: 'undone', tries: 0 }, null)
  // It cannot be taken back, says who did it. That may change, with a new version of that service or by a person.
  else journal.change(name, { note: cannotBeTakenBack, tries: step.tries + 1 }, longMs)
  return true
}

/** Said of a step whose service has no undo for it. */
export const cannotBeTakenBack = 'it was done and its service does not take it back'

/** Between two askings for what was said to be impossible. */
const longMs = 300_000
