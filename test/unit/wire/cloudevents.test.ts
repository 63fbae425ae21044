import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBinary } from '../../../src/wire/binary.ts'
import { memberText } from '../../../src/wire/member-text.ts'
import { fromStructured } from '../../../src/wire/structured.ts'

const place = { partition: 0, offset: 6n, key: null }
const event = {
  ...{ specversion: '1.0', id: 'e-1', source: '/sensors/7', type: 'com.example.measured' },
  ...{ time: '2018-04-05T17:31:00Z', subject: 'north', data: { celsius: 21.5 } },
}
const text = JSON.stringify(event)
const headers = {
  ...{ ce_specversion: '1.0', ce_id: 'e-1', ce_source: '/sensors/7', ce_type: 'com.example.measured' },
  ...{ ce_time: '2018-04-05T17:31:00Z', ce_subject: 'north' },
}

// The scenarios of the conformance tests for Kafka (cloudevents/conformance), with values of our own.
for (const type of ['application/json', 'application/json; charset=utf-8']) {
  test(`an event in the binary mode is read, its content type being ${type}`, () => {
    const { message } = fromBinary({ ...headers, 'content-type': type }, JSON.stringify(event.data), 'work', place)
    assert.deepEqual(message, fromStructured(text, 'work', place).message)
  })
}
const structuredTypes = [
  ...['application/cloudevents+json', 'application/cloudevents+json; charset=UTF-8', 'Application/CloudEvents+JSON'],
  'application/cloudevents',
]
for (const type of structuredTypes) {
  test(`an event in the structured mode is read, its content type being ${type}`, () => {
    const { message, previous } = fromBinary({ 'content-type': type }, Buffer.from(text), 'work', place)
    const { id, source, time, key, payload } = message
    assert.deepEqual([id, source, message.type], [event.id, event.source, event.type])
    assert.deepEqual([time, key, payload, previous], [event.time, 'north', '{"celsius":21.5}', null])
    assert.deepEqual(message.headers, {})
  })
}

test('a content type is found whatever case its header is written in', () => {
  const { message } = fromBinary({ 'Content-Type': 'application/cloudevents+json' }, text, 'work', place)
  assert.equal(message.id, 'e-1')
})

test('a structured event may come with the attributes as headers, too, and its own headers are kept', () => {
  const given = { ...headers, ce_id: 'other', 'content-type': 'application/cloudevents+json', tenant: 'a' }
  const { message } = fromBinary(given, text, 'work', place)
  assert.deepEqual([message.id, message.headers], ['e-1', { tenant: 'a' }])
})

test('a value that is no event, whatever its content type says, is read by its headers', () => {
  for (const value of ['[{"specversion":"1.0","id":"in a batch"}]', 'no json', '{"id":"no version"}', 'null']) {
    const { message } = fromBinary({ ...headers, 'content-type': 'application/cloudevents+json' }, value, 'work', place)
    assert.deepEqual([message.id, message.type, message.payload], ['e-1', event.type, value])
  }
})

test('an attribute of null is one that is not there', () => {
  const sparse = { ...event, subject: null, partitionkey: null, time: null, traceparent: null, correlationid: null }
  const { message } = fromStructured(JSON.stringify(sparse), 'work', place)
  assert.deepEqual([message.key, message.time], ['e-1', '1970-01-01T00:00:00.000Z'])
  assert.deepEqual([message.traceparent, message.correlationId, message.headers], [null, 'e-1', {}])
})

test('attributes without a field are headers, and a subject that is not the key is one', () => {
  const more = { ...event, partitionkey: 'k', dataschema: 'https://example.com/s', retries: 3, urgent: true }
  const kept = {
    'ce-subject': 'north',
    'ce-dataschema': 'https://example.com/s',
    'ce-retries': '3',
    'ce-urgent': 'true',
  }
  assert.deepEqual(fromStructured(JSON.stringify(more), 'work', place).message.headers, kept)
  const asHeaders = { ...headers, ce_partitionkey: 'k', ce_dataschema: 'https://example.com/s' }
  const { message } = fromBinary({ ...asHeaders, ce_retries: '3', ce_urgent: 'true' }, '1', 'work', place)
  assert.deepEqual(message.headers, kept)
})

test('data of others keeps its own text: numbers beyond a double, order, a member of the same name within', () => {
  const data = '{"data":{"data":1},"n":12345678901234567890.10, "b":1,"a":"\\"data\\":2}"}'
  const before = `{"data" : ${data} ,"specversion":"1.0","id":"x","note":"},\\"data\\":0"}`
  assert.equal(fromStructured(before, 'work', place).message.payload, data)
})

test('bytes in an event that are no text are kept beside it; base64 that is none leaves the whole text', () => {
  const bytes = Buffer.from([0xff, 0x00, 0x41])
  const encoded = { ...event, data: undefined, data_base64: bytes.toString('base64') }
  assert.equal(
    fromStructured(JSON.stringify(encoded), 'work', place).message.headers['payload-base64'],
    encoded.data_base64,
  )
  const broken = JSON.stringify({ ...event, data: undefined, data_base64: '%' })
  assert.equal(fromStructured(broken, 'work', place).message.payload, broken)
})

test('the text of a member is found by its name alone, however that is written, and the last one counts', () => {
  assert.equal(memberText('{"d\\u0061ta" : [1, {"data":2}] }', 'data'), '[1, {"data":2}]')
  assert.equal(memberText('{"a":"data","b":{"data":1},"c":["data"]}', 'data'), null)
  assert.equal(memberText('{"data":1,"data":"\\\\","z":0}', 'data'), '"\\\\"')
  assert.equal(memberText('{}', 'data'), null)
  assert.equal(memberText('{"data":{}}', 'data'), '{}')
})
