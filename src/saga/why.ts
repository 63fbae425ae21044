import type { SagaRow } from '../ports/saga-search.ts'

/** Says in a sentence what a saga waits for, and what will happen then. */
export function whyWaiting(saga: SagaRow, doing: (step: SagaRow['openSteps'][number]) => string = whatItDoes): string {
  const { status, attention, error, tries, openSteps, dueAt, overdueSeconds } = saga
  if (status === 'completed') return 'It is at its end: everything took effect.'
  if (status === 'compensated')
    return `It is at its end: everything was taken back, because of ${saga.failure ?? 'nothing'}.`
  const backwards = status === 'compensating' ? `It is taken back, because of ${saga.failure ?? 'nothing'}. ` : ''
  const look = attention === null ? '' : ` A person should look: ${attention}.`
  if (error !== null) {
    return `${backwards}Its turn failed ${times(tries)} (${error}) and is tried again at ${dueAt ?? 'no time'}.${look}`
  }
  if (overdueSeconds > 60) {
    return `${backwards}It has been due for ${Math.round(overdueSeconds)} s and nobody takes it up: start the service, with version ${saga.version} of ${saga.type}.${look}`
  }
  if (openSteps.length === 0) return `${backwards}It is about to take its next turn.${look}`
  return `${backwards}${openSteps.map(doing).join(' ')}${dueAt === null ? ' Nothing of it will ever be due.' : ''}${look}`
}

function whatItDoes({ name, kind, state, tries }: SagaRow['openSteps'][number]): string {
  if (kind === 'sleep') return `The step ${name} waits for its time.`
  if (kind === 'wait') return `The step ${name} waits for an event.`
  if (state === 'asking') return `The step ${name} is about to be asked again.`
  if (state === 'waiting') return `The step ${name} waits for its answer.`
  const back = state === 'undoing' ? 'is being taken back' : 'has no answer and is being taken back'
  return `The step ${name} ${back}, asked ${times(tries)}.`
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}
