import { EstafetError } from '../message/errors.ts'
import type { OutgoingMessage } from '../message/message.ts'
import { changeField, type Personal } from '../message/personal.ts'
import type { Call, RouteHandler } from './call.ts'
import { contentMark } from './content-mark.ts'
import { decisionOf, refuseUndone } from './deciding.ts'
import { Refusal } from './refusal.ts'

export const publish: RouteHandler = async (call) => {
  const { running, params } = call
  const message = messageOf(call)
  const { requestId, who, reason } = decisionOf(call)
  const content = contentMark(withoutPersonal(params.value('data'), message.personal), requestId)
  const asked = { type: message.type, correlationId: params.text('correlationId') ?? undefined, content }
  const entry = { who, reason, action: 'publish', subscription: running.subscription, count: 1 }
  const { outcome, result } = await call.publishOnce(message, { ...entry, selection: JSON.stringify(asked) }, requestId)
  refuseUndone({ outcome, count: 1 }, 'messages')
  return { outcome, id: result, type: message.type, key: message.key }
}

/**
 * What the content is marked by: what was given, not what was made of it, for a schema may add the time; and nothing personal,
 * for few values are possible there, and who has the rows could try them all.
 */
function withoutPersonal(data: unknown, personal: Personal | undefined): unknown {
  return personal?.fields.reduce((part, field) => changeField(part, field, () => null), data) ?? data
}

function messageOf({ service, params }: Call): OutgoingMessage {
  const type = params.text('type')
  const event = service.publishes.find((each) => each.type === type)
  if (event === undefined) {
    const known = service.publishes.map((each) => each.type).join(', ')
    throw new Refusal('NOT_FOUND', 'The service does not publish events of this type.', {
      hint: known === '' ? 'It publishes none.' : `It publishes: ${known}.`,
    })
  }
  const made: unknown = Reflect.apply(event, undefined, [params.value('data'), contextOf(params.text('correlationId'))])
  if (!isOutgoing(made)) throw new EstafetError('MISCONFIGURED', `The event ${event.type} was not made by event().`)
  return made
}

function contextOf(correlationId: string | null): object {
  return correlationId === null ? {} : { correlationId }
}

function isOutgoing(made: unknown): made is OutgoingMessage {
  return typeof made === 'object' && made !== null && 'type' in made && 'data' in made && 'context' in made
}
