import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredMessage } from 'estafet'
import fc from 'fast-check'
import { fromBinary, toBinary } from '../../../src/wire/binary.ts'
import { fromStructured, toStructured } from '../../../src/wire/structured.ts'

const text = fc.string({ minLength: 1, unit: 'grapheme' })
const place = { partition: 3, offset: 41n }

const message: fc.Arbitrary<StoredMessage> = fc.record(
  {
    ...{ id: fc.uuid(), type: text, topic: fc.constant('work'), key: text, source: text, epoch: text },
    version: fc.integer({ min: 1, max: 32_767 }),
    ...{ correlationId: text, causationId: fc.option(text), traceparent: fc.option(text) },
    headers: fc.dictionary(
      fc.stringMatching(/^[a-z]{1,8}$/).filter((name) => name !== 'content-type'),
      text,
      { noNullPrototype: true },
    ),
    payload: fc.jsonValue().map((value) => JSON.stringify(value)),
    position: fc.bigInt({ min: 1n, max: 9_000_000_000_000_000_000n }),
    time: fc.constant('2026-11-21T08:00:00.123456Z'),
  },
  { noNullPrototype: true },
)

test('what is sent comes back the same, in both modes', () => {
  fc.assert(
    fc.property(message, fc.bigInt({ min: 0n, max: 9n }), (sent, previous) => {
      const relayed = { message: sent, partition: 3, previous }
      const { headers, value } = toBinary(relayed)
      assert.deepEqual(fromBinary(headers, value, 'work', place), { message: sent, previous })
      assert.deepEqual(fromBinary(headers, new TextEncoder().encode(value), 'work', place).message, sent)
      const structured = toStructured(relayed)
      assert.equal(typeof JSON.parse(structured), 'object')
      assert.deepEqual(fromStructured(structured, 'work', place), { message: sent, previous })
    }),
  )
})

const one: StoredMessage = {
  ...{ id: 'i', type: 'a.b', version: 2, topic: 'work', key: 'k', source: 'orders', epoch: 'e' },
  time: '2026-11-21T08:00:00.123456Z',
  ...{ correlationId: 'c', causationId: null, traceparent: null, headers: {}, position: 7n },
  payload: '{"amount":12345678901234567890.10,"b":1,"a":"\\u0000\\ud800","quote":",\\"data\\":"}',
}

test('a payload keeps its own text: numbers beyond a double, order, escapes', () => {
  const relayed = { message: one, partition: 0, previous: 6n }
  assert.equal(fromStructured(toStructured(relayed), 'work', place).message.payload, one.payload)
  const tricky = { ...one, key: '","data":{}', headers: { a: '},"data":1' } }
  const back = fromStructured(toStructured({ ...relayed, message: tricky }), 'work', place)
  assert.deepEqual(back.message, tricky)
})

test('somebody else’s message gets a place of its own, the same at every reading', () => {
  for (const read of [
    () => fromBinary({ trace: 'x' }, '{"a":1}', 'tasks', { ...place, key: 'task-1' }),
    () => fromStructured('{"a":1}', 'tasks', { ...place, key: 'task-1' }),
  ]) {
    const { message: got, previous } = read()
    assert.deepEqual(read().message, got)
    assert.equal(previous, null)
    assert.deepEqual(
      [got.id, got.source, got.epoch, got.position, got.key, got.type, got.payload],
      ['tasks/3/41', 'topic:tasks', 'tasks/3', 42n, 'task-1', 'tasks', '{"a":1}'],
    )
  }
})

test('a CloudEvent of somebody else keeps its id, source and type', () => {
  const foreign = { specversion: '1.0', id: 'x1', source: '/python', type: 'task.created', data: { a: [1] } }
  const { message: got, previous } = fromStructured(JSON.stringify(foreign), 'tasks', place)
  assert.deepEqual(
    [got.id, got.source, got.type, got.payload, previous],
    ['x1', '/python', 'task.created', '{"a":[1]}', null],
  )
  const encoded = { ...foreign, data: undefined, data_base64: btoa('{"b":2}') }
  assert.equal(fromStructured(JSON.stringify(encoded), 'tasks', place).message.payload, '{"b":2}')
})

test('bytes that are no text are kept, and nothing throws', () => {
  const bytes = Uint8Array.from([0xff, 0xfe, 0x7b])
  const { message: got } = fromBinary({ ce_position: '-1', ce_headers: 'no json' }, bytes, 'tasks', place)
  assert.equal(got.headers['payload-base64'], Buffer.from(bytes).toString('base64'))
  assert.equal(fromBinary({}, null, 'tasks', place).message.payload, 'null')
  assert.equal(fromStructured('not json', 'tasks', place).message.payload, 'not json')
})
