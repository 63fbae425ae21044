import { backOffMs } from '../delivery/back-off.ts'
import { errorName, errorPlace } from '../delivery/failure.ts'
import type { AnyCommand } from '../message/command.ts'
import { EstafetError, isEstafetError } from '../message/errors.ts'
import type { OutgoingMessage } from '../message/message.ts'
import type { OpenSaga, SagaChange, Sagas } from '../ports/sagas.ts'
import { type Journal, journal } from './journal.ts'
import type { Saga, SagaDefinition } from './saga.ts'
import { refuseId } from './saga-id.ts'
import { StepFailed } from './step-failed.ts'
import type { StepContext } from './steps.ts'
import { turn } from './turn.ts'

/** What the turns of all sagas of a service share. */
export interface SagaParts<Tx> {
  readonly sagas: Sagas<Tx>
  /** The service that runs them, to which answers come back. */
  readonly service: string
  /** By `type:version`; also older versions that a newer one continues. */
  readonly definitions: ReadonlyMap<string, SagaDefinition<Tx>>
  /** Resolves after all that can go on at once has gone on: beyond all promises that are settled. */
  readonly settle: () => Promise<void>
  /** The commands that sagas of the service answer, by type. */
  readonly answered: ReadonlyMap<string, AnyCommand>
}

/** `gone`: there is no such saga. `unchanged`: what came in changed nothing. `kept`: it is in the journal. */
export type Advanced = 'gone' | 'unchanged' | 'kept'

/** Puts something into a saga's journal; false when that changes nothing. */
export type Take = (journal: Journal, saga: OpenSaga) => boolean

/**
 * Takes a turn of a saga with what came in, as part of a transaction. One whose definition this program does not have keeps what came
 * in, for a program that has it. Throws as `turn` does; see `keepFailed`.
 */
export async function advance<Tx>(
  parts: SagaParts<Tx>,
  context: StepContext<Tx>,
  id: string,
  take: Take,
): Promise<Advanced> {
  const { sagas, definitions } = parts
  const saga = await sagas.open(context.tx, id)
  if (saga === null) return 'gone'
  const own = journal(saga)
  if (!take(own, saga)) return 'unchanged'
  const definition = definitions.get(`${saga.type}:${saga.version}`)
  if (definition !== undefined) refuseOtherText(definition, saga)
  const change =
    definition === undefined
      ? { ...saga, turnInMs: 0, steps: own.changes() }
      : await turn({ ...parts, definition, saga, journal: own, context })
  await sagas.save(context.tx, id, change)
  return 'kept'
}

/**
 * After a turn that was thrown away: keeps what came in, and when the turn is to be tried again. So a saga whose work fails holds up
 * nobody else, and nothing that came for it is lost.
 */
export async function keepFailed<Tx>(
  { sagas, definitions }: Pick<SagaParts<Tx>, 'sagas' | 'definitions'>,
  tx: Tx,
  id: string,
  take: Take,
  error: unknown,
): Promise<Advanced> {
  const saga = await sagas.open(tx, id)
  if (saga === null) return 'gone'
  const own = journal(saga)
  if (!take(own, saga)) return 'unchanged'
  const { backOff, attentionAfter } = definitions.get(`${saga.type}:${saga.version}`) ?? unknown
  const tries = saga.tries + 1
  noteStep(own, error)
  const says = saysOf(error)
  const change: SagaChange = {
    ...{ ...saga, tries, error: says, turnInMs: backOffMs(backOff, tries, 1), steps: own.changes() },
    attention: tries >= attentionAfter ? `its turn failed ${tries} times: ${says}` : saga.attention,
  }
  await sagas.save(tx, id, change)
  return 'kept'
}

const unknown = { backOff: { firstMs: 1_000, maxMs: 300_000 }, attentionAfter: 8 }

/** Work that fails is seen in the journal: a person may say what it comes to. */
function noteStep(own: Journal, error: unknown): void {
  if (!(error instanceof StepFailed)) return
  const { step: name, hasUndo, isPivot } = error
  const step = own.get(name)
  if (step === undefined) own.begin({ name, kind: 'run', hasUndo, isPivot, tries: 1 }, null)
  else own.change(name, { tries: step.tries + 1 }, null)
}

/** Another program under the same number would not come by what this saga has done, R6.7. */
function refuseOtherText<Tx>({ type, version, hash }: SagaDefinition<Tx>, saga: OpenSaga): void {
  if (saga.version !== version || saga.hash === hash) return
  throw new EstafetError('MISCONFIGURED', `The saga began with another text of version ${version} of ${type}.`)
}

/** What of an error may be shown anywhere: texts of others may quote what they were given. */
function saysOf(error: unknown): string {
  if (error instanceof StepFailed) return `the step ${error.step} failed: ${saysOf(error.cause)}`.slice(0, 500)
  if (isEstafetError(error) && error.code !== 'REJECTED') return `${error.code}: ${error.message}`.slice(0, 500)
  return `${errorName(error)} at ${errorPlace(error) ?? 'an unknown place'}`.slice(0, 500)
}

export interface BeginOptions {
  /** Of all that it sends. (Default: its id.) */
  readonly correlationId?: string
  /** Who is told of its end; see sub-saga. (Default: nobody.) */
  readonly askedBy?: string
}

/**
 * Begins a saga with its first turn, as part of a transaction. False when there is one of this id: then nothing is done. Throws
 * INVALID_MESSAGE for a bad input or id, and as `turn` does: then roll back, for nothing of the saga may be committed.
 */
export async function begin<Tx, Input, Result>(
  parts: SagaParts<Tx>,
  context: StepContext<Tx>,
  definition: Saga<Tx, Input, Result>,
  id: string,
  input: Input,
  { correlationId = id, askedBy }: BeginOptions = {},
): Promise<boolean> {
  if (askedBy === undefined) refuseId(id)
  const { type, version, hash } = definition
  if (!parts.definitions.has(`${type}:${version}`)) {
    throw new EstafetError('MISCONFIGURED', `The service ${parts.service} does not run version ${version} of ${type}.`)
  }
  const begun = {
    ...{ id, type, version, hash, correlationId },
    input: definition.encode(input),
    askedBy: askedBy ?? null,
  }
  if (!(await parts.sagas.begin(context.tx, begun))) return false
  const saga: OpenSaga = {
    ...{ ...begun, status: 'running', result: null, failure: null, attention: null, tries: 0, error: null, steps: [] },
  }
  // Sent once it is in the journal: who catches what this throws must not send what no saga waits for.
  const sent: OutgoingMessage[] = []
  const own = { ...context, publish: (...messages: readonly OutgoingMessage[]) => void sent.push(...messages) }
  const change = await turn({ ...parts, definition, saga, journal: journal(saga), context: own })
  await parts.sagas.save(context.tx, id, change)
  context.publish(...sent)
  return true
}
