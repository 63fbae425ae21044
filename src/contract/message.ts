import type { EncodedMessage } from '../message/message.ts'

/** A message for clauses; `number` tells it from others. */
export function sample(number: number, more: Partial<EncodedMessage> = {}): EncodedMessage {
  const id = `00000000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`
  return {
    ...{ id, type: 'sample.taken', version: 1, topic: 'sample', key: `key-${number}`, correlationId: id },
    ...{ causationId: null, traceparent: null, headers: {}, payload: JSON.stringify({ number }) },
    ...more,
  }
}
