import type { AnyCommand } from '../message/command.ts'
import { EstafetError } from '../message/errors.ts'
import type { OutgoingMessage } from '../message/message.ts'
import type { OpenSaga, SagaChange, SagaStatus } from '../ports/sagas.ts'
import { commandOf } from './ask.ts'
import { attentionOf } from './attention.ts'
import { type Send, takeBack, takeDue } from './due.ts'
import { isEnd, isOpen, type Journal, type JournalStep } from './journal.ts'
import { type Ending, play } from './play.ts'
import { encoded, type SagaDefinition } from './saga.ts'
import { endTold } from './saga-end.ts'
import type { StepContext } from './steps.ts'
import { undoLast } from './undo.ts'

export interface TurnParts<Tx> {
  readonly definition: SagaDefinition<Tx>
  readonly saga: OpenSaga
  /** With what came in already in it. */
  readonly journal: Journal
  readonly context: StepContext<Tx>
  /** The service that answers come back to. */
  readonly service: string
  readonly settle: () => Promise<void>
  /** The commands that sagas of the service answer, by type. */
  readonly answered: ReadonlyMap<string, AnyCommand>
}

/**
 * Takes a saga as far as it goes now. What it begins is written with what the caller saves: a turn is one transaction, R6.1.
 *
 * Throws what local work threw, and MISCONFIGURED for a function that waits for nothing, or takes back what it may not; then the
 * transaction must be rolled back.
 */
export async function turn<Tx>(parts: TurnParts<Tx>): Promise<SagaChange> {
  const { definition, journal, service } = parts
  const saga = forwardPastPivot(parts.saga, journal)
  const context = correlated(parts.context, saga.correlationId)
  const send: Send = (step, kind) => context.publish(commandOf(saga, definition, step, kind, service))
  let { status, result, failure } = saga
  takeDue(definition, journal, send)
  if (!isEnd(status)) {
    const { ending, undos } = await play({ ...parts, saga, context, send })
    // One that is taken back is played for its undos alone: what it throws beside that must not keep it from its end.
    if (status === 'running') [status, result, failure] = ended({ ...parts, send }, ending)
    if (status === 'compensating') result = null
    if (status === 'compensating' && (await undoLast(journal, { definition, undos, send }))) status = 'compensated'
    const told = endTold({ ...saga, status, result, failure }, parts.answered)
    if (told !== null) context.publish(told)
  }
  return {
    ...{ version: definition.version, hash: definition.hash, status, result, failure },
    ...{ attention: isEnd(status) ? null : attentionOf(journal, definition), tries: 0, error: null, turnInMs: null },
    steps: journal.changes(),
  }
}

/** A pivot that was under way when the saga was to be taken back, and was done: from there it only goes forward, R6.5. */
function forwardPastPivot(saga: OpenSaga, journal: Journal): OpenSaga {
  const pivot = saga.status === 'compensating' ? doneAsPivot(journal) : undefined
  if (pivot === undefined) return saga
  const note = `it was done when the saga was to be taken back, because of ${saga.failure ?? 'nothing'}: it goes forward`
  journal.change(pivot.name, { note: note.slice(0, 500) }, null)
  return { ...saga, status: 'running', failure: null }
}

function doneAsPivot(journal: Journal): JournalStep | undefined {
  return journal.all().find(({ isPivot, state }) => isPivot && state === 'done')
}

/** What a saga's own work publishes belongs to the saga, too. */
function correlated<Tx>(context: StepContext<Tx>, correlationId: string): StepContext<Tx> {
  const own = (message: OutgoingMessage): OutgoingMessage => ({
    ...message,
    context: { ...message.context, correlationId: message.context.correlationId ?? correlationId },
  })
  return { ...context, publish: (...messages) => context.publish(...messages.map(own)) }
}

type Outcome = readonly [SagaStatus, result: string | null, failure: string | null]

function ended<Tx>(parts: TurnParts<Tx> & { readonly send: Send }, ending: Ending): Outcome {
  const { definition, journal } = parts
  if (ending.kind === 'threw') throw ending.error
  if (ending.kind === 'compensate') {
    const pivot = doneAsPivot(journal)
    if (pivot === undefined) return ['compensating', null, ending.reason]
    throw new EstafetError(
      'MISCONFIGURED',
      `The saga ${definition.type} wants to be taken back after its pivot ${JSON.stringify(pivot.name)}, from where it only goes forward.`,
    )
  }
  if (ending.kind === 'returned') {
    return letGo(parts) ? ['completed', encoded(ending.value), null] : ['running', null, null]
  }
  if (!journal.all().some(isOpen)) {
    throw new EstafetError(
      'MISCONFIGURED',
      `The saga ${definition.type} waits for something that is no step: it would wait for ever.`,
    )
  }
  return ['running', null, null]
}

/** Takes back what nobody waits for any more; true when nothing is left of that. */
function letGo<Tx>({ definition, journal, send }: TurnParts<Tx> & { readonly send: Send }): boolean {
  for (const step of journal.all().filter(isOpen)) {
    if (step.kind !== 'request') journal.change(step.name, { state: 'cancelled' }, null)
    else if (step.state !== 'cancelling') takeBack(journal, step, 'cancelling', { ...definition, send })
  }
  return !journal.all().some(isOpen)
}
