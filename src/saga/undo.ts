import { EstafetError } from '../message/errors.ts'
import { type Send, takeBack } from './due.ts'
import { isOpen, type Journal, type JournalStep } from './journal.ts'
import type { Undo } from './play.ts'
import type { SagaDefinition } from './saga.ts'

export interface UndoParts {
  readonly definition: Pick<SagaDefinition<never>, 'type' | 'version' | 'backOff'>
  readonly undos: ReadonlyMap<string, Undo>
  readonly send: Send
}

/**
 * Takes steps back, the last first and one after the other, as far as it goes without an answer. True when nothing is left: no step
 * has an effect, now or later. Nothing is taken back while a pivot is under way: what is done cannot be taken back any more, and then
 * the saga goes forward. Throws what an undo threw; then the turn is tried again.
 *
 * @source correctness.md R6.5
 */
export async function undoLast(journal: Journal, parts: UndoParts): Promise<boolean> {
  if (!arePivotsKnown(journal, parts)) return false
  for (const step of journal.all().toReversed()) {
    if (step.kind === 'run') await undoWork(journal, step, parts)
    else if (step.kind === 'request') {
      if (!undoRequest(journal, step, parts)) return false
    } else if (isOpen(step)) journal.change(step.name, { state: 'cancelled' }, null)
  }
  return true
}

/** Asks for those that are not to be done, where that was not asked yet; false while the answer is awaited. */
function arePivotsKnown(journal: Journal, { definition, send }: UndoParts): boolean {
  const open = journal.all().filter((step) => step.isPivot && step.kind === 'request' && isOpen(step))
  for (const step of open) {
    if (step.state !== 'cancelling') takeBack(journal, step, 'cancelling', { backOff: definition.backOff, send })
  }
  return open.length === 0
}

async function undoWork(journal: Journal, step: JournalStep, { definition, undos }: UndoParts): Promise<void> {
  // It never was done: it failed, and left nothing.
  if (isOpen(step)) journal.change(step.name, { state: 'cancelled' }, null)
  if (step.state !== 'done' || !step.hasUndo) return
  const undo = undos.get(step.name)
  if (undo === undefined) {
    throw new EstafetError(
      'MISCONFIGURED',
      `Version ${definition.version} of the saga ${definition.type} does not come by the step ${JSON.stringify(step.name)}, which it should take back.`,
    )
  }
  await undo()
  journal.change(step.name, { state: 'undone' }, null)
}

/** False while its answer is awaited. */
function undoRequest(journal: Journal, step: JournalStep, { definition, send }: UndoParts): boolean {
  if (!isOpen(step) && step.state !== 'done') return true
  if (!step.hasUndo) {
    // A question: whatever is answered, nothing is to be taken back.
    if (isOpen(step)) journal.change(step.name, { state: 'cancelled' }, null)
    return true
  }
  if (step.state !== 'undoing') takeBack(journal, step, 'undoing', { backOff: definition.backOff, send })
  return false
}
