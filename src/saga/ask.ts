import type { Answer, AnyCommand, AskedCommand } from '../message/command.ts'
import { validate } from '../message/definition.ts'
import { EstafetError } from '../message/errors.ts'
import type { OutgoingMessage } from '../message/message.ts'
import type { OpenSaga } from '../ports/sagas.ts'
import { type JournalStep, keptRequest } from './journal.ts'
import type { SagaDefinition } from './saga.ts'

const prefix = 'saga:'

/**
 * Names a step of a saga of a service to the one that is asked: the same each time it is asked, R6.3, also by a service that is called
 * otherwise by now.
 */
function stepId(service: string, saga: string, step: string): string {
  return `${prefix}${service}:${saga}:${step}`
}

/** The step of a saga that is answered, and the service that asked; null when it was not a saga that did. */
export function askedStep(saga: string, id: string): { readonly service: string; readonly name: string } | null {
  const service = /^saga:([^:]+):/.exec(id)?.[1]
  if (service === undefined) return null
  const start = stepId(service, saga, '')
  return id.startsWith(start) ? { service, name: id.slice(start.length) } : null
}

/** The command of a step, to do it or to take it back. Throws INVALID_MESSAGE, and MISCONFIGURED when its definition does not use it any more. */
export function commandOf<Tx>(
  { id, correlationId }: Pick<OpenSaga, 'id' | 'correlationId'>,
  definition: SagaDefinition<Tx>,
  step: JournalStep,
  kind: 'request' | 'cancel',
  replyTo: string,
): OutgoingMessage {
  const { type, data, service } = keptRequest(step)
  const command = definition.uses.get(type)
  if (command === undefined) throw unused(definition, type)
  const request = { step: stepId(service, id, step.name), owner: id, replyTo, data }
  return command[kind](request as never, { correlationId })
}

/** A step's answer, as its command has it. Throws INVALID_MESSAGE when it is not what the command says. */
export function answerOf<Result, Refusal extends string>(
  command: AskedCommand<never, Result, Refusal>,
  value: string,
): Answer<Result, Refusal> {
  const envelope = { step: 'kept', owner: 'kept', answers: 'request', answer: JSON.parse(value) }
  const reply = validate(command.reply.type, command.reply.schema, envelope) as {
    readonly answer: Answer<Result, Refusal>
  }
  return reply.answer
}

/** Throws MISCONFIGURED for a command whose answers would not be heard. */
export function refuseUnused<Tx>(definition: SagaDefinition<Tx>, { type }: Pick<AnyCommand, 'type'>): void {
  if (!definition.uses.has(type)) throw unused(definition, type)
}

function unused<Tx>({ type: saga }: SagaDefinition<Tx>, type: string): EstafetError {
  return new EstafetError('MISCONFIGURED', `The saga ${saga} asks for ${type} and does not use it: list it in uses.`)
}
