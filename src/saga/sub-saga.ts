import { type Handler, type HandlerContext, on } from '../delivery/handler.ts'
import { type AnyCommand, type CommandType, type Request, replyTopic } from '../message/command.ts'
import type { OutgoingMessage, ReceivedMessage } from '../message/message.ts'
import type { OpenSaga } from '../ports/sagas.ts'
import type { StepFence } from '../ports/step-fence.ts'
import { begin, type SagaParts } from './advance.ts'
import { isEnd } from './journal.ts'
import { encoded, type Saga } from './saga.ts'

/** Who is told of the end of a saga. */
interface Asker {
  readonly type: string
  readonly step: string
  readonly owner: string
  readonly replyTo: string
}

/** Why a saga is taken back that was asked for. */
const takenBack = 'who asked for it took it back'

/** How sagas answer commands: whoever asks gets the answer at their end. */
export interface SagaAnswer<Tx> {
  readonly command: AnyCommand
  readonly handlers: (parts: SagaParts<Tx>, fence: StepFence<Tx>) => readonly Handler<Tx>[]
}

/**
 * Lets a saga answer a command: `answerWith(BookTrip, Trip, (data) => data)`. Done with what it returned; refused with what it gave to
 * `compensate`, one of the command's refusals; taken back, it takes back all that it did. So a saga is a step of another, in the same
 * service or not. Its id is that of the step.
 */
export function answerWith<Tx, Input, Data, ReplyInput, Result, Refusal extends string, SagaInput>(
  command: CommandType<Input, Data, ReplyInput, Result, Refusal>,
  saga: Saga<Tx, SagaInput, ReplyInput>,
  inputOf: (data: Data) => SagaInput,
): SagaAnswer<Tx> {
  const any: AnyCommand = command
  const handlers: SagaAnswer<Tx>['handlers'] = (parts, fence) => [
    on<Request<Data>, Tx>(command.request, async (event, context) => {
      const { step } = event.data
      const open = await parts.sagas.open(context.tx, step)
      if (open !== null) return tell(context, isEnd(open.status) ? endOf(open, any, 'request') : null)
      const { state } = await fence.take(context.tx, step)
      if (state === 'cancelled') return tell(context, cancelledOf(askerOf(event), any, 'request'))
      const askedBy = encoded(askerOf(event))
      const { correlationId } = event
      await begin(parts, context, saga, step, inputOf(event.data.data), { correlationId, askedBy })
    }),
    on<Request<Data>, Tx>(command.cancel, async (event, context) => {
      const { step } = event.data
      const open = await parts.sagas.open(context.tx, step)
      if (open === null) {
        await fence.take(context.tx, step)
        await fence.settle(context.tx, step, 'cancelled', encoded({ outcome: 'cancelled' }))
        return tell(context, cancelledOf(askerOf(event), any, 'cancel'))
      }
      const isPast = open.steps.some(({ isPivot, state }) => isPivot && state === 'done')
      if (open.status === 'compensated' || (open.status === 'completed' && isPast)) {
        return tell(context, endOf(open, any, 'cancel'))
      }
      // Past its pivot it only goes forward, and who asks again hears of its end.
      if (open.status === 'compensating' || isPast) return
      const change = { status: 'compensating', failure: takenBack, turnInMs: 0, steps: [] } as const
      await parts.sagas.save(context.tx, step, { ...open, ...change })
    }),
  ]
  return { command: any, handlers }
}

/** What whoever asked for a saga is told when it ends; null when it has not, or nobody asked. */
export function endTold(saga: OpenSaga, answered: ReadonlyMap<string, AnyCommand>): OutgoingMessage | null {
  if (saga.askedBy === null || !isEnd(saga.status)) return null
  const { type }: Asker = JSON.parse(saga.askedBy)
  const command = answered.get(type)
  return command === undefined ? null : endOf(saga, command, saga.failure === takenBack ? 'cancel' : 'request')
}

function endOf(saga: OpenSaga, command: AnyCommand, answers: 'request' | 'cancel'): OutgoingMessage | null {
  if (saga.askedBy === null) return null
  const asker: Asker = JSON.parse(saga.askedBy)
  if (saga.status === 'completed') {
    return replied(asker, command, { answers, answer: { outcome: 'done', result: JSON.parse(saga.result ?? 'null') } })
  }
  if (answers === 'cancel' || saga.failure === takenBack) return cancelledOf(asker, command, answers)
  return replied(asker, command, { answers, answer: { outcome: 'refused', refusal: saga.failure } })
}

function cancelledOf(asker: Asker, command: AnyCommand, answers: 'request' | 'cancel'): OutgoingMessage {
  return replied(asker, command, { answers, answer: { outcome: 'cancelled' } })
}

function replied({ step, owner, replyTo }: Asker, command: AnyCommand, more: object): OutgoingMessage {
  return { ...command.reply({ step, owner, ...more } as never), topic: replyTopic(replyTo) }
}

function askerOf<Data>({ type, data }: ReceivedMessage<Request<Data>>): Asker {
  const { step, owner, replyTo } = data
  return { type: type.replace(/\.cancel$/, ''), step, owner, replyTo }
}

function tell<Tx>(context: HandlerContext<Tx>, message: OutgoingMessage | null): void {
  if (message !== null) context.publish(message)
}
