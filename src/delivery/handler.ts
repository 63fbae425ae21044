import type { EventType } from '../message/event.ts'
import type { OutgoingMessage, ReceivedMessage, StoredMessage } from '../message/message.ts'
import type { Logger } from '../ports/logger.ts'

/** What a handler may use. Everything done through it commits or rolls back with the message's progress. */
export interface HandlerContext<Tx> {
  /** The transaction of the subscriber's database. Do not commit or roll it back. */
  readonly tx: Tx
  /** Publishes with this transaction; correlation, causation and trace context are filled in. */
  readonly publish: (...messages: readonly OutgoingMessage[]) => void
  /** Adds the message's id, type and correlation id to each line. */
  readonly log: Logger
  /** Aborts when the process stops or loses the lane; what is done after that is rolled back. */
  readonly signal: AbortSignal
}

/** A handler as the delivery runs it, with its event's type erased. */
export interface Handler<Tx> {
  readonly type: string
  readonly topic: string
  /** True when it takes all consecutive messages of its type at once. */
  readonly isSet: boolean
  readonly run: (messages: readonly StoredMessage[], context: HandlerContext<Tx>) => Promise<void>
}

/**
 * Handles one event at a time: `on(OrderPlaced, async (event, { tx }) => ...)`.
 *
 * May run more than once for a message, when a transaction fails or a process dies; its effects through `tx` and
 * `publish` happen once. What it does elsewhere (a mail, a card) happens at least once: use `event.id` as idempotency key.
 */
export function on<Data, Tx>(
  event: EventType<never, Data>,
  handle: (event: ReceivedMessage<Data>, context: HandlerContext<Tx>) => Promise<void>,
): Handler<Tx> {
  return {
    type: event.type,
    topic: event.topic,
    isSet: false,
    run: async (messages, context) => {
      for (const message of messages) await handle(event.receive(message), context)
    },
  }
}

/**
 * Handles consecutive events of one type together, in order, so that one statement can serve many:
 * `onMany(OrderPlaced, async (events, { tx }) => ...)`. The list is never empty. Otherwise like `on`.
 */
export function onMany<Data, Tx>(
  event: EventType<never, Data>,
  handle: (events: readonly ReceivedMessage<Data>[], context: HandlerContext<Tx>) => Promise<void>,
): Handler<Tx> {
  return {
    type: event.type,
    topic: event.topic,
    isSet: true,
    run: (messages, context) =>
      handle(
        messages.map((message) => event.receive(message)),
        context,
      ),
  }
}
