import { type Handler, type HandlerContext, type HandlerOptions, on } from '../delivery/handler.ts'
import { replyTopic } from '../message/command.ts'
import { EstafetError, isEstafetError } from '../message/errors.ts'
import type { EventType } from '../message/event.ts'
import { decodeJson } from '../message/json.ts'
import { type ReceivedMessage, type StoredMessage, withData } from '../message/message.ts'
import { advance, keepFailed, type SagaParts, type Take } from './advance.ts'
import { askedStep } from './ask.ts'
import { type CameAnswer, takeAnswer } from './came.ts'
import { keepEvent } from './happened.ts'
import { isEnd } from './journal.ts'
import type { SagaDefinition } from './saga.ts'

interface RawReply extends CameAnswer {
  readonly step: string
  readonly owner: string
}

/**
 * The handlers of a service that runs sagas: for the answers to what they ask, and for the events that they wait for. Each is a
 * turn of a saga, in the transaction of the message's progress.
 */
export function sagaHandlers<Tx>(
  parts: SagaParts<Tx>,
  definitions: readonly SagaDefinition<Tx>[],
): readonly Handler<Tx>[] {
  const inTurn = turnKeeper(parts)
  const commands = new Map(definitions.flatMap(({ uses }) => [...uses]))
  const handling = handlingOf(definitions)
  const replies = [...commands.values()].map((command): Handler<Tx> => {
    const handler = on<RawReply, Tx>(
      rawOf(command.reply),
      async (event, context) => {
        const { step, owner } = event.data
        const asked = askedStep(owner, step)
        // Somebody else of this service asked.
        if (asked === null) return
        const advanced = await inTurn(event, context, owner, (own) => takeAnswer(own, asked, command.type, event.data))
        if (advanced === 'gone') throw unknownSaga(event)
        if (advanced === 'unchanged')
          context.log.debug('an answer came late or again', { saga: owner, step: asked.name })
      },
      { ...handling, name: `saga:${command.reply.type}` },
    )
    return { ...handler, topic: replyTopic(parts.service) }
  })
  return [...replies, ...eventHandlers(definitions, inTurn, handling)]
}

/**
 * A turn that fails is kept when its message comes again, whatever it failed with: so each is tried again at once, and later until
 * that succeeds. What no turn is, such as an answer to nobody, is given up as with any handler.
 */
function handlingOf<Tx>(definitions: readonly SagaDefinition<Tx>[]): HandlerOptions {
  return {
    timeoutMs: Math.max(...definitions.map(({ turnTimeoutMs }) => turnTimeoutMs)),
    retry: [
      // Kept for a person; the saga goes on: what is not answered in time is taken back.
      { errors: (error) => error instanceof UnusableReply, immediate: 0, delayed: 0, whenDead: 'skip' },
      { errors: (error) => !(error instanceof UnknownSaga), immediate: 2, delayed: 1_000 },
    ],
  }
}

function isAwaiting<Tx>(definitions: readonly SagaDefinition<Tx>[], saga: string, event: string): boolean {
  return definitions.some(({ type, awaits }) => type === saga && awaits.some((each) => each.event.type === event))
}

type InTurn<Tx> = (
  event: ReceivedMessage,
  context: HandlerContext<Tx>,
  saga: string,
  take: Take,
) => ReturnType<typeof advance>

function eventHandlers<Tx>(
  definitions: readonly SagaDefinition<Tx>[],
  inTurn: InTurn<Tx>,
  handling: HandlerOptions,
): readonly Handler<Tx>[] {
  const awaited = new Map<string, SagaDefinition<Tx>['awaits'][number][]>()
  for (const each of definitions.flatMap(({ awaits }) => awaits)) {
    awaited.set(each.event.type, [...(awaited.get(each.event.type) ?? []), each])
  }
  return [...awaited.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    return on<StoredMessage, Tx>(
      storedOf(first.event),
      async (event, context) => {
        const ids = new Set(group.map(({ sagaOf }) => sagaOf(event.data)).filter((id) => id !== null))
        for (const id of ids) {
          await inTurn(event, context, id, (own, saga) => {
            if (isEnd(saga.status) || !isAwaiting(definitions, saga.type, event.type)) return false
            keepEvent(own, event.data)
            return own.changes().length > 0
          })
        }
      },
      { ...handling, name: `saga:${first.event.type}` },
    )
  })
}

/**
 * Takes turns; when one was thrown away, or did not end, the message that caused it is only kept when it comes again, and the saga's
 * own loop tries the turn. The memory is this process's: elsewhere it fails once more, which is as well.
 */
function turnKeeper<Tx>(parts: SagaParts<Tx>): InTurn<Tx> {
  const begun = new Map<string, { readonly error: unknown }>()
  return async (event, context, saga, take) => {
    const key = `${event.id} ${saga}`
    const before = begun.get(key)
    if (before !== undefined) {
      begun.delete(key)
      return keepFailed(parts, context.tx, saga, take, before.error)
    }
    begun.set(key, { error: new EstafetError('TIMED_OUT', 'The turn did not end in its time.') })
    // Of those that came again elsewhere nobody tells.
    if (begun.size > 1_000) begun.delete(begun.keys().next().value ?? '')
    try {
      const advanced = await advance(parts, context, saga, take)
      begun.delete(key)
      return advanced
    } catch (error) {
      begun.set(key, { error })
      throw error
    }
  }
}

/** Checks a reply and leaves it as it was written: its saga reads it again in each turn. */
function rawOf(reply: EventType<never, unknown>): EventType<never, RawReply> {
  return Object.assign((data: never) => reply(data), {
    ...reply,
    receive(stored: StoredMessage) {
      try {
        reply.receive(stored)
      } catch (error) {
        throw isEstafetError(error) ? new UnusableReply(error.code, error.message, { cause: error }) : error
      }
      return withData(stored, decodeJson(stored.payload) as RawReply)
    },
  })
}

function storedOf(event: EventType<never, unknown>): EventType<never, StoredMessage> {
  return Object.assign((data: never) => event(data), {
    ...event,
    receive(stored: StoredMessage) {
      event.receive(stored)
      return withData(stored, stored)
    },
  })
}

/** It may come, where a database was set back; an answer is never dropped silently, R6.3. */
class UnknownSaga extends EstafetError {}

/** It is not what its command says, whoever sent it. */
class UnusableReply extends EstafetError {}

function unknownSaga({ data, id }: ReceivedMessage<RawReply>): EstafetError {
  return new UnknownSaga(
    'CONFLICT',
    `The answer ${id} is for the saga ${data.owner}, which this service does not have.`,
  )
}
