import { type Handler, type HandlerContext, type HandlerOptions, on } from '../delivery/handler.ts'
import { type Answer, type CommandType, type Request, replyTopic } from '../message/command.ts'
import { EstafetError, isEstafetError } from '../message/errors.ts'
import type { ReceivedMessage } from '../message/message.ts'
import type { FencedStep, StepFence } from '../ports/step-fence.ts'

/** What a service says when it does not do what it was asked. */
export class Refused<Refusal extends string> {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    this.refusal = refusal
  }
}

/** `return refuse('no-room')`: an answer like any other. Nothing of the handler's writes should be left to keep. */
export function refuse<Refusal extends string>(refusal: Refusal): Refused<Refusal> {
  return new Refused(refusal)
}

/** Why somebody asks, and for what. */
export interface Asked<Data> extends Omit<ReceivedMessage<Data>, 'data'>, Request<Data> {}

/** A step that was done and is taken back. */
export interface Done<Data, Result> extends Asked<Data> {
  readonly result: Result
}

export interface AnswerOptions<Tx, Data, Result> extends HandlerOptions {
  /**
   * Takes back what was done: a new entry that makes up for it, as the business has it. Called once for each step that was done.
   * (Default: it cannot be taken back, and who asks for that is told that it was done.)
   */
  readonly undo?: (done: Done<Data, Result>, context: HandlerContext<Tx>) => Promise<void>
}

/**
 * Does what others ask, once for each step, and answers: `...answer(ReserveRoom, async ({ data }, { tx }) => ..., { undo })`
 * among the handlers of the service. Twice the handlers of `on`: for the command, and for taking it back.
 *
 * The answer is published in the transaction of the effects. Asked again, however late, it says the same again. Taken back before
 * it came, it is never done; taken back after, it is undone. What the handler throws is tried again as with `on`: to say no is
 * an answer, `refuse('no-room')`.
 */
export function answer<Tx, Input, Data, ReplyInput, Result, Refusal extends string>(
  fence: StepFence<Tx>,
  command: CommandType<Input, Data, ReplyInput, Result, Refusal>,
  handle: (asked: Asked<Data>, context: HandlerContext<Tx>) => Promise<ReplyInput | Refused<Refusal>>,
  { undo, ...options }: AnswerOptions<Tx, Data, Result> = {},
): readonly Handler<Tx>[] {
  type Given = Answer<ReplyInput, Refusal>
  const reply = (asked: Asked<Data>, context: HandlerContext<Tx>, given: Given): void => {
    const { step, owner, replyTo, type } = asked
    const answers = type === command.cancel.type ? 'cancel' : 'request'
    const message = command.reply({ step, owner, answers, answer: given })
    context.publish({ ...message, topic: replyTopic(replyTo) })
  }
  // Of each command its own: a step that two commands name is two steps.
  const fenced = (step: string): string => `${command.type} ${step}`
  const settle = async (asked: Asked<Data>, context: HandlerContext<Tx>, given: Given): Promise<void> => {
    await fence.settle(context.tx, fenced(asked.step), given.outcome, JSON.stringify(given))
    reply(asked, context, given)
  }
  const repeat = (asked: Asked<Data>, context: HandlerContext<Tx>, { answer: text }: FencedStep): void =>
    reply(asked, context, answerOf<Given>(command.type, text))

  /** As its schema has it; as it was, when a new one does not take it any more: what was done must be taken back. */
  const resultOf = (event: ReceivedMessage<Request<Data>>, { answer: text }: FencedStep): Result => {
    const given = answerOf<Extract<Answer<Result, Refusal>, { outcome: 'done' }>>(command.type, text)
    const { step, owner } = event.data
    const payload = JSON.stringify({ step, owner, answers: 'cancel', answer: given })
    try {
      const { answer: read } = command.reply.receive({ ...event, payload }).data
      if (read.outcome === 'done') return read.result
    } catch (error) {
      if (!isEstafetError(error, 'INVALID_MESSAGE')) throw error
    }
    return given.result
  }

  const request = on<Request<Data>, Tx>(
    command.request,
    async (event, context) => {
      const asked = askedOf(event)
      const before = await fence.take(context.tx, fenced(asked.step))
      if (before.state !== 'new') return repeat(asked, context, before)
      const given = await handle(asked, context)
      if (!(given instanceof Refused)) return settle(asked, context, { outcome: 'done', result: given })
      if (!command.refusals.includes(given.refusal)) throw unknownRefusal(command.type, given.refusal)
      await settle(asked, context, { outcome: 'refused', refusal: given.refusal })
    },
    options,
  )
  const cancel = on<Request<Data>, Tx>(
    command.cancel,
    async (event, context) => {
      const asked = askedOf(event)
      const before = await fence.take(context.tx, fenced(asked.step))
      if (before.state === 'new') return settle(asked, context, { outcome: 'cancelled' })
      if (before.state !== 'done' || undo === undefined) return repeat(asked, context, before)
      await undo({ ...asked, result: resultOf(event, before) }, context)
      await settle(asked, context, { outcome: 'cancelled' })
    },
    options,
  )
  return [request, cancel]
}

function askedOf<Data>({ data: request, ...envelope }: ReceivedMessage<Request<Data>>): Asked<Data> {
  return { ...envelope, ...request }
}

/** As it was settled by this service. */
function answerOf<Given>(type: string, text: string | null): Given {
  if (text === null) throw new EstafetError('UNDECODABLE', `The answer to a step of ${type} is not there.`)
  const given: Given = JSON.parse(text)
  return given
}

function unknownRefusal(type: string, refusal: string): EstafetError {
  return new EstafetError('MISCONFIGURED', `The command ${type} has no refusal ${JSON.stringify(refusal)}: list it.`)
}
