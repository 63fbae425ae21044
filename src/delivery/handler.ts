import { EstafetError } from '../message/errors.ts'
import type { EventType } from '../message/event.ts'
import type { OutgoingMessage, ReceivedMessage, StoredMessage } from '../message/message.ts'
import { withoutSealed } from '../message/personal.ts'
import type { Logger } from '../ports/logger.ts'
import { type CompleteRule, completeRules, longestWaitMs, type RetryRule, type WhenDead } from './retry-policy.ts'

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
  /** For failures and pages: the event's type, unless it was given another. */
  readonly name: string
  /** True when it takes all consecutive messages of its type at once. */
  readonly isSet: boolean
  /** What to do about errors, first match first; the last rule matches whatever is left. */
  readonly rules: readonly CompleteRule[]
  readonly timeoutMs: number
  /** Fields of the data that only administrators may see. */
  readonly mask: readonly string[]
  /** Fields of the data that are about a person. */
  readonly personalFields: readonly string[]
  /** Tells whether it reads messages of a version; others of its type are for other handlers of it. */
  readonly takes: (version: number) => boolean
  /** Decodes and validates a message as `run` will, with what is sealed in it as if it was erased. Throws UNDECODABLE or INVALID_MESSAGE. */
  readonly check: (message: StoredMessage) => void
  readonly run: (messages: readonly StoredMessage[], context: HandlerContext<Tx>) => Promise<void>
}

export interface HandlerOptions {
  /** Needed only to tell several handlers of one type apart. (Default: the event's type.) */
  readonly name?: string
  /** Rules that come before the standard ones: see completeRules. */
  readonly retry?: readonly RetryRule[]
  /** What becomes of the key of a message that is given up. (Default: block.) */
  readonly whenDead?: WhenDead
  /** How long one call may take; and see `idleInTransactionMs` of the store. (Default: 10 s.) */
  readonly timeoutMs?: number
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
  options: HandlerOptions = {},
): Handler<Tx> {
  return {
    ...traits(event, options),
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
  options: HandlerOptions = {},
): Handler<Tx> {
  return {
    ...traits(event, options),
    isSet: true,
    // Async, so that whatever is returned becomes a promise of ours, which is waited for once.
    run: async (messages, context) => {
      await handle(
        messages.map((message) => event.receive(message)),
        context,
      )
    },
  }
}

/**
 * The error of a handler that will never take a message: `throw rejected('no such account')`. The message becomes a dead
 * letter at once, with this reason; do not put content of the message into it.
 */
export function rejected(reason: string, cause?: unknown): EstafetError {
  const error = new EstafetError('REJECTED', reason, { cause })
  // Its place is the handler that throws it, for people and for the group that it falls into.
  Error.captureStackTrace(error, rejected)
  return error
}

function traits<Data>(event: EventType<never, Data>, options: HandlerOptions) {
  const { name = event.type, retry = [], whenDead = 'block', timeoutMs = 10_000 } = options
  if (!(timeoutMs >= 1 && timeoutMs <= longestWaitMs)) {
    throw new EstafetError(
      'MISCONFIGURED',
      `The handler ${name} needs a timeoutMs from 1 to ${longestWaitMs}, not ${timeoutMs}.`,
    )
  }
  const check = (message: StoredMessage): void => void event.receive(withoutSealed(message))
  const { type, topic, mask, personalFields, since, version: newest } = event
  const takes = (version: number): boolean => version >= since && version <= newest
  return { type, topic, mask, personalFields, takes, name, rules: completeRules(retry, whenDead), timeoutMs, check }
}
