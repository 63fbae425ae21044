import { backOffMs } from '../delivery/back-off.ts'
import { timedOut } from './happened.ts'
import { isOpen, type Journal, type JournalStep, keptRequest } from './journal.ts'
import { encoded, type SagaDefinition } from './saga.ts'

export type Send = (step: JournalStep, kind: 'request' | 'cancel') => void

/** Does for each step whose time has come what is then to be done. */
export function takeDue<Tx>({ backOff }: Pick<SagaDefinition<Tx>, 'backOff'>, journal: Journal, send: Send): void {
  for (const step of journal.all()) {
    if (!step.isDue || !isOpen(step)) continue
    const { name, kind, state } = step
    if (kind === 'sleep') journal.change(name, { state: 'done', value: encoded(null) }, null)
    else if (kind === 'wait') journal.change(name, { state: 'done', value: timedOut }, null)
    else if (state === 'asking') {
      send(journal.change(name, { state: 'waiting', tries: step.tries + 1 }, keptRequest(step).timeoutMs), 'request')
    } else takeBack(journal, step, state === 'undoing' ? 'undoing' : 'cancelling', { backOff, send })
  }
}

/** Asks to take a step back: without end, because nothing else ever makes its outcome known. */
export function takeBack(
  journal: Journal,
  step: JournalStep,
  state: 'cancelling' | 'undoing',
  { backOff, send }: Pick<SagaDefinition<never>, 'backOff'> & { readonly send: Send },
): void {
  const tries = step.state === state ? step.tries + 1 : 1
  // Longer than an answer takes: each asking is a command.
  const waitMs = Math.max(backOff.firstMs, backOffMs(backOff, tries + 3, 1))
  send(journal.change(step.name, { state, tries }, waitMs), 'cancel')
}
