import { type Handler, type HandlerContext, type HandlerOptions, on } from '../delivery/handler.ts'
import { type CommandType, type Reply, replyTopic } from '../message/command.ts'
import type { ReceivedMessage } from '../message/message.ts'

/**
 * Handles what comes back to a service that asked: `onReply(ReserveRoom, 'booking', async ({ data }) => ...)`. `data.answer` says
 * whether it was done, refused or cancelled; `data.step` and `data.owner` are those of the request. A step that was asked for
 * several times is answered as often, each time the same.
 */
export function onReply<Tx, Result, Refusal extends string>(
  command: CommandType<never, unknown, never, Result, Refusal>,
  service: string,
  handle: (reply: ReceivedMessage<Reply<Result, Refusal>>, context: HandlerContext<Tx>) => Promise<void>,
  options: HandlerOptions = {},
): Handler<Tx> {
  return { ...on<Reply<Result, Refusal>, Tx>(command.reply, handle, options), topic: replyTopic(service) }
}
