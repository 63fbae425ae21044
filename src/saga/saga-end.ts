import { type AnyCommand, type Request, replyTopic } from '../message/command.ts'
import type { OutgoingMessage, ReceivedMessage } from '../message/message.ts'
import type { OpenSaga } from '../ports/sagas.ts'
import { isEnd } from './journal.ts'

/** Who is told of the end of a saga. */
export interface Asker {
  readonly type: string
  readonly step: string
  readonly owner: string
  readonly replyTo: string
}

/** Why a saga is taken back that was asked for. */
export const takenBack = 'who asked for it took it back'

/** What whoever asked for a saga is told when it ends; null when it has not, or nobody asked. */
export function endTold(saga: OpenSaga, answered: ReadonlyMap<string, AnyCommand>): OutgoingMessage | null {
  if (saga.askedBy === null || !isEnd(saga.status)) return null
  const { type }: Asker = JSON.parse(saga.askedBy)
  const command = answered.get(type)
  return command === undefined ? null : endOf(saga, command, saga.failure === takenBack ? 'cancel' : 'request')
}

export function endOf(saga: OpenSaga, command: AnyCommand, answers: 'request' | 'cancel'): OutgoingMessage | null {
  if (saga.askedBy === null) return null
  const asker: Asker = JSON.parse(saga.askedBy)
  if (saga.status === 'completed') {
    return replied(asker, command, { answers, answer: { outcome: 'done', result: JSON.parse(saga.result ?? 'null') } })
  }
  // A reason that the command does not list, such as a person's, is none of the asker's: it has no effect, and that is said.
  const isRefusal = saga.failure !== null && command.refusals.includes(saga.failure)
  if (answers === 'cancel' || !isRefusal) return cancelledOf(asker, command, answers)
  return replied(asker, command, { answers, answer: { outcome: 'refused', refusal: saga.failure } })
}

export function cancelledOf(asker: Asker, command: AnyCommand, answers: 'request' | 'cancel'): OutgoingMessage {
  return replied(asker, command, { answers, answer: { outcome: 'cancelled' } })
}

function replied({ step, owner, replyTo }: Asker, command: AnyCommand, more: object): OutgoingMessage {
  return { ...command.reply({ step, owner, ...more } as never), topic: replyTopic(replyTo) }
}

/** Who asks for a command, or takes it back. Both name the command, and not the message that came. */
export function askerOf<Data>({ type }: Pick<AnyCommand, 'type'>, { data }: ReceivedMessage<Request<Data>>): Asker {
  const { step, owner, replyTo } = data
  return { type, step, owner, replyTo }
}
