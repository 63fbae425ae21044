import { type Handler, type HandlerContext, on, rejected } from '../delivery/handler.ts'
import type { AnyCommand, CommandType, Request } from '../message/command.ts'
import type { OutgoingMessage } from '../message/message.ts'
import type { OpenSaga } from '../ports/sagas.ts'
import type { StepFence } from '../ports/step-fence.ts'
import { begin, type SagaParts } from './advance.ts'
import { isEnd } from './journal.ts'
import { encoded, type Saga } from './saga.ts'
import { type Asker, askerOf, cancelledOf, endOf, takenBack } from './saga-end.ts'
import { subSagaId } from './saga-id.ts'

/** How sagas answer commands: whoever asks gets the answer at their end. */
export interface SagaAnswer<Tx> {
  readonly command: AnyCommand
  readonly handlers: (parts: SagaParts<Tx>, fence: StepFence<Tx>) => readonly Handler<Tx>[]
}

/**
 * Lets a saga answer a command: `answerWith(BookTrip, Trip, (data) => data)`. Done with what it returned; refused with what it gave to
 * `compensate`, one of the command's refusals; taken back, it takes back all that it did. So a saga is a step of another, in the same
 * service or not. Its id is `~` with the command and the step.
 */
export function answerWith<Tx, Input, Data, ReplyInput, Result, Refusal extends string, SagaInput>(
  command: CommandType<Input, Data, ReplyInput, Result, Refusal>,
  saga: Saga<Tx, SagaInput, ReplyInput>,
  inputOf: (data: Data) => SagaInput,
): SagaAnswer<Tx> {
  const erasedCommand: AnyCommand = command
  const handlers: SagaAnswer<Tx>['handlers'] = (parts, fence) => [
    on<Request<Data>, Tx>(command.request, async (event, context) => {
      const asker = askerOf(command, event)
      const id = subSagaId(asker)
      const { open, isCancelled } = await found(parts, fence, context.tx, id)
      if (open !== null) {
        refuseStranger(open, asker)
        return tell(context, isEnd(open.status) ? endOf(open, erasedCommand, 'request') : null)
      }
      if (isCancelled) return tell(context, cancelledOf(asker, erasedCommand, 'request'))
      const { correlationId } = event
      await begin(parts, context, saga, id, inputOf(event.data.data), { correlationId, askedBy: encoded(asker) })
    }),
    on<Request<Data>, Tx>(command.cancel, async (event, context) => {
      const asker = askerOf(command, event)
      const id = subSagaId(asker)
      const { open } = await found(parts, fence, context.tx, id)
      if (open === null) {
        await fence.settle(context.tx, id, 'cancelled', encoded({ outcome: 'cancelled' }))
        return tell(context, cancelledOf(asker, erasedCommand, 'cancel'))
      }
      refuseStranger(open, asker)
      const isPast = open.steps.some(({ isPivot, state }) => isPivot && state === 'done')
      if (open.status === 'compensated' || (open.status === 'completed' && isPast)) {
        return tell(context, endOf(open, erasedCommand, 'cancel'))
      }
      // Past its pivot it only goes forward, and who asks again hears of its end.
      if (open.status === 'compensating' || isPast) return
      const change = { status: 'compensating', failure: takenBack, turnInMs: 0, steps: [] } as const
      await parts.sagas.save(context.tx, id, { ...open, ...change })
    }),
  ]
  return { command: erasedCommand, handlers }
}

interface Found {
  /** Null: it has not begun, and nobody else begins it until the transaction has ended. */
  readonly open: OpenSaga | null
  readonly isCancelled: boolean
}

async function found<Tx>({ sagas }: SagaParts<Tx>, fence: StepFence<Tx>, tx: Tx, id: string): Promise<Found> {
  const before = await sagas.open(tx, id)
  if (before !== null) return { open: before, isCancelled: false }
  const { state } = await fence.take(tx, id)
  // Whoever had the step before may have begun the saga since it was not there.
  return { open: await sagas.open(tx, id), isCancelled: state === 'cancelled' }
}

/** Throws REJECTED for who did not ask for this saga: it is none of his. */
function refuseStranger({ askedBy }: OpenSaga, asker: Asker): void {
  if (askedBy !== encoded(asker)) throw rejected('The saga was asked for by somebody else.')
}

function tell<Tx>(context: HandlerContext<Tx>, message: OutgoingMessage | null): void {
  if (message !== null) context.publish(message)
}
