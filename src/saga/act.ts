import type { OpenSaga, SagaChange, SagaStep } from '../ports/sagas.ts'
import { isEnd, isOpen, type Journal, journal } from './journal.ts'
import { encoded } from './saga.ts'

/** What a person can do about a saga. */
export type SagaAction =
  /** Says what came of a step: of one that waits, or of local work that fails. The service that was asked is not told. */
  | { readonly do: 'answer'; readonly step: string; readonly answer: GivenAnswer }
  /** Lets the time of a step have come. */
  | { readonly do: 'fire'; readonly step: string }
  /** Tries now what would be tried later; asks again what was not answered. */
  | { readonly do: 'retry' }
  /** Goes on as if a step had been taken back. */
  | { readonly do: 'skip'; readonly step: string }
  /** Takes everything back: of one that runs, or has completed. */
  | { readonly do: 'compensate' }

export type GivenAnswer =
  | { readonly outcome: 'done'; readonly result: unknown }
  | { readonly outcome: 'refused'; readonly refusal: string }
  | { readonly outcome: 'cancelled' }

/** What an action makes of a saga; a text says why it makes nothing. What it makes is due at once. */
export function act(saga: OpenSaga, action: SagaAction, reason: string): SagaChange | string {
  const own = journal(saga)
  const refusal = apply(own, saga, action, reason)
  if (typeof refusal === 'string') return refusal
  const change = { ...saga, turnInMs: 0, steps: own.changes() }
  if (action.do !== 'compensate') return change
  return { ...change, status: 'compensating', failure: reason, tries: 0, error: null, attention: null }
}

function apply(own: Journal, saga: OpenSaga, action: SagaAction, reason: string): string | null {
  if (action.do === 'compensate') return refusedCompensation(saga)
  if (isEnd(saga.status)) return `the saga is at its end: it is ${saga.status}`
  if (action.do === 'retry') return retry(own)
  const step = own.get(action.step)
  if (action.do === 'answer') return answer(own, saga, step, action.step, action.answer, reason)
  if (step === undefined) return 'it has no such step'
  if (action.do === 'fire') {
    if (!isOpen(step)) return `the step is at its end: it is ${step.state}`
    if (step.kind === 'sleep') own.change(step.name, { state: 'done', value: encoded(null), note: reason }, null)
    else own.change(step.name, { note: reason }, 0)
    return null
  }
  if (step.state === 'undoing') own.change(step.name, { state: 'kept', note: reason }, null)
  else if (saga.status === 'compensating' && step.kind === 'run' && step.state === 'done' && step.hasUndo) {
    own.change(step.name, { state: 'kept', note: reason }, null)
  } else return `the step is not being taken back: it is ${step.state}`
  return null
}

function refusedCompensation({ status, steps }: OpenSaga): string | null {
  if (status === 'compensating' || status === 'compensated') return `the saga is ${status} already`
  const pivot = steps.find(({ isPivot, state }) => isPivot && state === 'done')
  return pivot === undefined ? null : `its pivot ${pivot.name} is done: it only goes forward`
}

function retry(own: Journal): null {
  for (const step of own.all()) {
    if (step.kind !== 'request' || !isOpen(step)) continue
    if (step.state === 'waiting') own.change(step.name, { state: 'asking' }, 0)
    else own.change(step.name, {}, 0)
  }
  return null
}

function answer(
  own: Journal,
  saga: OpenSaga,
  step: SagaStep | undefined | ReturnType<Journal['get']>,
  name: string,
  given: GivenAnswer,
  reason: string,
): string | null {
  const end = { note: reason, tries: 0 } as const
  if (step === undefined) {
    return 'it has no such step that waits'
  }
  // Of what was said to be done only the result is given anew: its effect is there, and is taken back as any other.
  if (isMistaken(saga, step) && (given.outcome === 'done' || step.state !== 'done')) {
    const value = encoded(step.kind === 'run' && given.outcome === 'done' ? given.result : given)
    own.change(name, { ...end, state: given.outcome, value }, null)
    return null
  }
  if (!isOpen(step)) return `the step is at its end: it is ${step.state}`
  if (step.kind === 'run') {
    if (given.outcome !== 'done') return 'the step is work of its own service: it can only be done'
    own.change(name, { ...end, state: 'done', value: encoded(given.result) }, null)
  } else if (step.kind === 'sleep') own.change(name, { ...end, state: 'done', value: encoded(null) }, null)
  else if (step.kind === 'wait') return 'the step waits for an event: publish it, or fire the step'
  else if (step.state === 'undoing')
    own.change(name, { ...end, state: given.outcome === 'done' ? 'kept' : 'undone' }, null)
  else own.change(name, { ...end, state: given.outcome, value: encoded(given) }, null)
  return null
}

/**
 * Tells whether an answer that a person gave may be given anew. No definition is here to check it: one that does not fit makes every
 * turn fail.
 */
function isMistaken({ error }: OpenSaga, { kind, state, note }: Pick<SagaStep, 'kind' | 'state' | 'note'>): boolean {
  const isAnswered = state === 'done' || (kind === 'request' && (state === 'refused' || state === 'cancelled'))
  return error !== null && isAnswered && note !== null && (kind === 'request' || kind === 'run')
}
