import { EstafetError } from '../message/errors.ts'
import { encodeJson } from '../message/json.ts'
import type { OutgoingMessage, StoredMessage } from '../message/message.ts'
import { changeField, isErased, isSealed } from '../message/personal.ts'
import { uuidV7 } from '../message/uuid.ts'
import { defaultLimits } from '../outbox/prepare.ts'
import type { DeadLetterHistory } from '../ports/dead-letters.ts'
import type { Call, RouteHandler } from './call.ts'
import { dataOf, textOf } from './content.ts'
import { letterOf } from './dead-letters.ts'
import { decisionOf, refuseUndone, selectionOf } from './deciding.ts'
import { differences } from './difference.ts'
import { maskData, unmaskData, withSealed } from './mask.ts'
import { Refusal } from './refusal.ts'
import { maskFor } from './visible.ts'

export const discard: RouteHandler = async (call) => {
  const { params, running, operations } = call
  const [selection, expected] = [selectionOf(call), params.count('expect')]
  if (expected === null) {
    return { outcome: 'preview', count: await operations.deadLetters.count(running.subscription, selection, 'all') }
  }
  if (params.text('reason') === null) throw new Refusal('INVALID_REQUEST', 'Give a reason: what is discarded is lost.')
  const decided = await operations.decisions.discard(running.subscription, selection, expected, decisionOf(call))
  refuseUndone(decided, 'dead letters')
  return decided
}

export const edit: RouteHandler = async (call) => {
  const { running, operations, clock, random } = call
  const letter = await letterOf(call)
  const message = editedMessage(call, letter)
  const handlers = call.service.handlers.filter(({ type }) => type === letter.type)
  if (handlers.length === 0) {
    throw new EstafetError('REJECTED', 'No handler of this service takes messages of this type any more.')
  }
  for (const { check } of handlers) check(message)
  const before = dataOf(textOf(letter.payload) ?? '')?.value
  for (const { personalFields = [] } of handlers) {
    refuseNewPersonal(before, JSON.parse(message.payload), personalFields)
  }
  const fields = differences(before, dataOf(message.payload)?.value).map(({ field }) => field)
  const id = uuidV7(clock.now(), random.bytes(10))
  const wanted = { number: letter.number, id, payload: message.payload, fields: fields.slice(0, 100) }
  const decided = await operations.decisions.edit(running.subscription, wanted, decisionOf(call))
  const isOther = decided.outcome === 'repeated' && (await payloadOf(call, decided.number)) !== message.payload
  refuseUndone(isOther ? { ...decided, outcome: 'reused' } : decided, 'dead letters')
  return { outcome: decided.outcome, number: decided.number, replaces: letter.number, fields }
}

/** Who edits has no keys to seal a value with, and in clear it would outlive its person. */
function refuseNewPersonal(before: unknown, edited: unknown, fields: readonly string[]): void {
  for (const field of fields) {
    const known = clearValues(before, field)
    if (clearValues(edited, field).every((value) => known.includes(value))) continue
    throw new EstafetError(
      'INVALID_MESSAGE',
      `The personal field ${field} cannot be given another value here: leave *** in it, or let the service publish the event anew.`,
      { details: { fields: [field] } },
    )
  }
}

function clearValues(data: unknown, field: string): readonly string[] {
  const values: string[] = []
  changeField(data, field, (value) => {
    if (value !== null && !isSealed(value) && !isErased(value)) values.push(JSON.stringify(value))
    return value
  })
  return values
}

/** What an earlier edit wrote: the same request id with another payload is another request. */
async function payloadOf({ running, operations }: Call, number: bigint | null): Promise<string | null> {
  const found = number === null ? null : await operations.deadLetters.find(running.subscription, number)
  return found === null ? null : textOf(found.payload)
}

export const dryRun: RouteHandler = async (call) => {
  const letter = await letterOf(call)
  const message = call.params.has('payload') ? editedMessage(call, letter) : storedMessage(letter)
  const run = await call.tryOut(message, call.signal)
  return {
    isApplied: run.failure === null,
    ...run,
    published: run.published.map((each) => publishedView(call, each)),
  }
}

/** A message with the payload that a request gives it; what its author could not see keeps its value. */
function editedMessage(call: Call, letter: DeadLetterHistory): StoredMessage {
  const given = call.params.value('payload')
  const original = dataOf(textOf(letter.payload) ?? '')?.value
  const mask = withSealed(maskFor(call, letter.type), original)
  const payload = encodeJson(mask?.length === 0 ? given : unmaskData(given, original, mask))
  if (new TextEncoder().encode(payload).length > defaultLimits.maxPayloadBytes) {
    throw new EstafetError('TOO_LARGE', `The payload is larger than ${defaultLimits.maxPayloadBytes} bytes.`)
  }
  return { ...storedMessage(letter), payload }
}

function storedMessage(letter: DeadLetterHistory): StoredMessage {
  const { source, epoch, position, time, id, type, version, topic, key } = letter
  const { correlationId, causationId, traceparent, headers } = letter
  const payload = textOf(letter.payload)
  if (payload === null) throw new EstafetError('UNDECODABLE', 'The payload of this message is not UTF-8.')
  return {
    ...{ source, epoch, position, time, id, type, version, topic, key },
    ...{ correlationId, causationId, traceparent, headers, payload },
  }
}

function publishedView(call: Call, { type, version, topic, key, data, personal }: OutgoingMessage): object {
  const mask = maskFor(call, type)
  const hidden = mask === null ? null : [...new Set([...mask, ...(personal?.fields ?? [])])]
  return { type, version, topic, key, data: maskData(data, hidden) }
}
