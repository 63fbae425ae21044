import assert from 'node:assert/strict'
import { test } from 'node:test'
import { causedBy } from '../../../src/inbox/caused-by.ts'
import type { MessageContext, OutgoingMessage, StoredMessage } from '../../../src/message/message.ts'

const [parent, other] = [
  '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
]

function cause(changes: Partial<StoredMessage> = {}): StoredMessage {
  return {
    ...{ id: 'm-1', type: 'a.b', version: 1, topic: 'a', key: 'k', correlationId: 'c-1', causationId: null, time: '' },
    ...{ traceparent: parent, headers: { tracestate: 'foo=1', attempt: '7' }, payload: '1' },
    ...{ source: 's', epoch: 'e', position: 1n },
    ...changes,
  }
}

function caused(by: StoredMessage, context: MessageContext = {}): MessageContext {
  const outgoing: OutgoingMessage = { type: 'b.c', version: 1, topic: 'b', key: 'k', data: 1, context }
  return causedBy(by, outgoing).context
}

test('a message continues the trace of what caused it, with its state, and takes no other header', () => {
  const from = { correlationId: 'c-1', causationId: 'm-1' }
  assert.deepEqual(caused(cause()), { ...from, traceparent: parent, headers: { tracestate: 'foo=1' } })
  assert.deepEqual(caused(cause(), { headers: { tenant: 't' } }), {
    ...{ ...from, traceparent: parent, headers: { tracestate: 'foo=1', tenant: 't' } },
  })
  assert.deepEqual(caused(cause({ headers: {} })), { ...from, traceparent: parent })
  assert.deepEqual(caused(cause({ traceparent: null })), from)
})

test('what a publisher says of the trace is not mixed with that of the cause', () => {
  const context = { correlationId: 'c-2', causationId: 'x', traceparent: other, headers: { tenant: 't' } }
  assert.deepEqual(caused(cause(), context), context)
  assert.deepEqual(caused(cause(), { headers: { tracestate: 'bar=2' } }).headers, { tracestate: 'bar=2' })
})
