import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ValueCodec } from 'estafet'
import { fromBinary } from '../../../src/wire/binary.ts'
import { fromCoded } from '../../../src/wire/codec.ts'
import { fromStructured } from '../../../src/wire/structured.ts'

const place = { partition: 3, offset: 41n, time: '2026-01-01T00:00:00.000Z' }

test('what others send is text that any database takes, whatever they sent', () => {
  const { message } = fromBinary(
    {
      ...{ ce_id: 'i\u0000', ce_source: 'x'.repeat(5_000), ce_type: '\ud800', ce_correlationid: '\u0000' },
      ...{ ce_partitionkey: `${'k'.repeat(5_000)}1`, ce_causationid: '\udfff', ce_traceparent: 'y'.repeat(5_000) },
    },
    '{}',
    'tasks',
    place,
  )
  for (const [name, text] of Object.entries(message)) {
    if (typeof text !== 'string') continue
    assert.ok(text.isWellFormed() && !text.includes('\u0000') && (text.length <= 520 || name === 'traceparent'), name)
  }
  assert.equal(message.id, 'i\ufffd')
  const other = fromBinary({ ce_partitionkey: `${'k'.repeat(5_000)}2` }, '{}', 'tasks', place).message
  assert.notEqual(other.key, message.key)
})

test('source and epoch of others together fit into one entry of an index, and different ones stay different', () => {
  const originOf = (of: string) => {
    const headers = { ce_source: of, ce_epoch: of, ce_position: '2', ce_previous: '1' }
    const { source, epoch } = fromBinary(headers, '{}', 'tasks', place).message
    return source + epoch
  }
  const long = '源'.repeat(2_000)
  // PostgreSQL takes 2,704 bytes, and the feed and the subscription stand there, too.
  assert.ok(Buffer.byteLength(originOf(long)) <= 1_300)
  assert.equal(originOf(long), originOf(long))
  assert.notEqual(originOf(`${long}1`), originOf(`${long}2`))
  assert.equal(originOf('urn:shop'), 'urn:shopurn:shop')
})

test('a time that no calendar has is that of the record, and one of another zone is told in UTC', () => {
  const timeOf = (time: string) => fromBinary({ ce_time: time }, '{}', 'tasks', place).message.time
  for (const wrong of [
    ...['', 'now', '1', '2026-13-01T00:00:00Z', '0000-01-01T00:00:00Z', '0001-01-01T00:00:00+10:00'],
    ...['2026-02-30T00:00:00Z', '2026-02-29T12:00:00Z', '2026-04-31T00:00:00.5+02:00'],
  ]) {
    assert.equal(timeOf(wrong), place.time, wrong)
  }
  assert.equal(timeOf('2026-11-21T10:00:00+02:00'), '2026-11-21T08:00:00.000Z')
  assert.equal(timeOf('2026-11-21T08:00:00.123456Z'), '2026-11-21T08:00:00.123456Z')
  assert.equal(timeOf('2024-02-29T00:00:00Z'), '2024-02-29T00:00:00Z')
})

test('a position that no log can have makes no chain', () => {
  for (const wrong of ['9223372036854775808', '-1', '1e3', '']) {
    const wire = fromBinary({ ce_epoch: 'e', ce_position: wrong, ce_previous: '0' }, '{}', 'tasks', place)
    assert.deepEqual([wire.previous, wire.message.position, wire.message.epoch], [null, 42n, 'tasks/3'], wrong)
  }
})

test('only an id of the sender tells that a message was sent again', () => {
  assert.equal(fromBinary({ ce_id: 'i' }, '{}', 'tasks', place).hasSendersId, true)
  assert.equal(fromStructured('{"specversion":"1.0","id":"i"}', 'tasks', place).hasSendersId, true)
  assert.equal(fromBinary({}, '{}', 'tasks', place).hasSendersId, undefined)
  const chained = { ce_id: 'i', ce_epoch: 'e', ce_position: '2', ce_previous: '1' }
  assert.equal(fromBinary(chained, '{}', 'tasks', place).hasSendersId, undefined)
})

test('what a codec says counts where no attribute says it; what makes no message is kept as it came', () => {
  const said = { type: 'task.created', payload: '{"a":1}', id: 'one', key: 'k', version: 3, correlationId: 'c' }
  const codec = (decoded: unknown): ValueCodec => ({
    encode: () => '',
    // What JSON of others holds is nothing that a type can promise.
    decode: () => JSON.parse(JSON.stringify(decoded)),
  })
  const wire = fromCoded(codec(said), {}, 'value', 'tasks', place)
  const { id, type, payload, key, version, correlationId } = wire.message
  assert.deepEqual({ id, type, payload, key, version, correlationId }, said)
  assert.equal(wire.hasSendersId, true)
  const given = fromCoded(codec(said), { ce_id: 'two', ce_type: 'task.updated' }, 'value', 'tasks', place).message
  assert.deepEqual([given.id, given.type, given.payload], ['two', 'task.updated', '{"a":1}'])
  for (const wrong of [null, 7, {}, { type: 7, payload: '1' }, { ...said, payload: {} }, { ...said, version: 0 }]) {
    const { message } = fromCoded(codec(wrong), {}, 'value', 'tasks', place)
    assert.deepEqual([message.type, message.payload], ['tasks', 'value'], JSON.stringify(wrong))
  }
})
