import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CloudEvent, HTTP, Kafka } from 'cloudevents'
import type { StoredMessage } from 'estafet'
import fc from 'fast-check'
import { fromBinary, toBinary } from '../../src/wire/binary.ts'
import { fromStructured, toStructured } from '../../src/wire/structured.ts'

// The official SDK of CloudEvents reads what we write, and we read what it writes: over Kafka in both modes, and as JSON.

const place = { partition: 3, offset: 41n, time: '2026-01-01T00:00:00.000Z' }

/** As publish allows it: any text without NUL that is well formed, with the odd ones often. */
const text = (minLength: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ minLength, unit: 'binary' }).filter((any) => !any.includes('\0')),
    fc.string({ minLength, unit: 'grapheme', size: 'large' }),
    fc.constantFrom('100%', '%41%20%', 'a\r\nb: c', '漢字🙂', ' "\\', '\u2028\ufeff', 'k'.repeat(512)),
  )
/** No longer than what an index takes: longer ones are shortened. */
const name = text(1).map((any) => any.slice(0, 512).toWellFormed())
const json = fc
  .jsonValue({ stringUnit: 'binary' })
  .filter((value) => !/__proto__|\\u0000/.test(JSON.stringify(value)))
  .map((value): unknown => JSON.parse(JSON.stringify(value)))
const odd = fc.constantFrom<unknown>(null, 0, false, '', '1', '{}', 'plain', [], {}, [null], 'YWJj', '"', 1e21)
const data = fc.oneof(json, odd)
const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length - 1}}[1-9a-f]$`))
const traceparent = fc.tuple(hex(32), hex(16)).map(([trace, parent]) => `00-${trace}-${parent}-01`)

const message: fc.Arbitrary<StoredMessage> = fc.record(
  {
    ...{ id: fc.uuid(), type: fc.constantFrom('order.placed', 'a.b-2'), topic: fc.constant('work') },
    ...{
      key: name,
      source: fc.constantFrom('orders', 'a-b-1'),
      epoch: fc.uuid(),
    },
    version: fc.integer({ min: 1, max: 32_767 }),
    ...{ correlationId: text(0), causationId: fc.option(text(0)), traceparent: fc.option(traceparent) },
    headers: fc.dictionary(fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,9}$/), text(0), { noNullPrototype: true }),
    payload: data.map((value) => JSON.stringify(value)),
    position: fc.bigInt({ min: 1n, max: 9_000_000_000_000_000_000n }),
    time: fc.constantFrom('2026-11-21T08:00:00.123456Z', '2026-11-21T08:00:00Z'),
  },
  { noNullPrototype: true },
)
const relayed = fc.record({ message, partition: fc.constant(3), previous: fc.bigInt({ min: 0n, max: 9n }) })

/** What the SDK must find in a message of ours. */
function expected(sent: StoredMessage, previous: bigint): object {
  return {
    ...{ specversion: '1.0', id: sent.id, source: sent.source, type: sent.type, subject: sent.key },
    ...{ time: new Date(sent.time).toISOString(), datacontenttype: 'application/json', partitionkey: sent.key },
    ...{ eventversion: String(sent.version), correlationid: sent.correlationId, epoch: sent.epoch },
    ...{ position: String(sent.position), previous: String(previous) },
    ...(sent.causationId === null ? {} : { causationid: sent.causationId }),
    ...(sent.traceparent === null ? {} : { traceparent: sent.traceparent }),
    ...(Object.keys(sent.headers).length === 0 ? {} : { headers: JSON.stringify(sent.headers) }),
    data: JSON.parse(sent.payload),
  }
}

/** An event of the SDK as plain data; fails when it is not one that the specification allows. */
function plain(event: object): unknown {
  assert.ok(event instanceof CloudEvent)
  assert.ok(event.validate())
  return JSON.parse(JSON.stringify(event))
}

const structuredMode = { 'content-type': 'application/cloudevents+json' }

function structuredRecord(key: string, value: string) {
  return { headers: structuredMode, key, value, body: value }
}

/** What a Kafka client gives back of headers that it was given. */
function carried(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const given = Object.entries(headers).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.map(([name, value]) => [name, Buffer.from(String(value)).toString()]))
}

test('the CloudEvents SDK reads a message of ours in the binary mode of Kafka, with every attribute', () => {
  fc.assert(
    fc.property(relayed, (each) => {
      const { headers, value } = toBinary(each)
      const record = { headers: carried(headers), key: each.message.key, value: Buffer.from(value), body: '' }
      assert.deepEqual(plain(Kafka.toEvent(record)), expected(each.message, each.previous))
    }),
  )
})

test('the CloudEvents SDK reads a message of ours in the structured mode, over Kafka and HTTP', () => {
  fc.assert(
    fc.property(relayed, (each) => {
      const value = toStructured(each)
      const wanted = expected(each.message, each.previous)
      assert.deepEqual(plain(Kafka.toEvent(structuredRecord(each.message.key, value))), wanted)
      // The SDK's binding for HTTP drops data that JavaScript holds for false.
      const isDropped = ['null', '0', 'false', '""'].includes(each.message.payload)
      if (!isDropped) assert.deepEqual(plain(HTTP.toEvent({ headers: structuredMode, body: value })), wanted)
    }),
  )
})

test('a message of ours that went through the CloudEvents SDK is the same message, wherever its data then stands', () => {
  fc.assert(
    fc.property(relayed, (each) => {
      const event = Kafka.toEvent(structuredRecord(each.message.key, toStructured(each)))
      const sent = { ...each.message, time: new Date(each.message.time).toISOString() }
      assert.deepEqual(fromStructured(String(event), 'work', place), { message: sent, previous: each.previous })
    }),
  )
})

const foreign = fc.record(
  {
    ...{ id: name, type: name, source: fc.constantFrom('/python', 'https://a.b/c?d=%20e', 'urn:x:y') },
    ...{ data, subject: name, partitionkey: name, traceparent, dataschema: fc.constant('https://a.b/schema') },
    ...{ time: fc.constant('2026-11-21T08:00:00.123Z'), datacontenttype: fc.constant('application/json') },
    tracestate: fc.constant('foo=1,bar=2'),
    ...{ tenant: text(1), priority: fc.integer(), urgent: fc.boolean(), correlationid: text(1) },
  },
  { requiredKeys: ['id', 'type', 'source', 'time'], noNullPrototype: true },
)

test('an event that the CloudEvents SDK sends over Kafka is the same message in both modes, extensions included', () => {
  fc.assert(
    fc.property(foreign, (attributes) => {
      const event = new CloudEvent<unknown>(attributes)
      const extensions = Object.entries({
        ...{ tenant: event['tenant'], priority: event['priority'], urgent: event['urgent'] },
        ...{ dataschema: event.dataschema, subject: event.subject },
      })
      const key = attributes.partitionkey ?? attributes.subject ?? attributes.id
      const wanted: StoredMessage = {
        ...{ id: event.id, type: event.type, source: event.source, time: event.time ?? '', topic: 'tasks', version: 1 },
        ...{ epoch: 'tasks/3', position: 42n, key, correlationId: attributes.correlationid ?? event.id },
        ...{ causationId: null, traceparent: attributes.traceparent ?? null },
        headers: {
          ...Object.fromEntries(
            extensions
              .filter(([name, value]) => value !== undefined && !(name === 'subject' && value === key))
              .map(([name, value]) => [`ce-${name}`, String(value)]),
          ),
          ...(attributes.tracestate === undefined ? {} : { tracestate: attributes.tracestate }),
        },
        payload: JSON.stringify(attributes.data ?? null),
      }
      const binary = Kafka.binary(event)
      const structured = Kafka.structured(event)
      const recordPlace = { ...place, key: attributes.partitionkey ?? null }
      const value = Buffer.from(JSON.stringify(binary.value ?? null))
      const read = [
        fromBinary(carried(binary.headers), value, 'tasks', recordPlace),
        fromBinary(carried(structured.headers), Buffer.from(structured.value), 'tasks', recordPlace),
        fromStructured(structured.value, 'tasks', recordPlace),
      ]
      for (const each of read) assert.deepEqual(each, { message: wanted, previous: null, hasSendersId: true })
    }),
  )
})

test('bytes that the CloudEvents SDK sends are the same message in both modes, kept where they are no text', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ minLength: 1 }), json.map(utf8)), (bytes) => {
      const about = { id: 'i', type: 't', source: '/s', datacontenttype: 'application/octet-stream' }
      const event = new CloudEvent({ ...about, data: bytes })
      const [binary, structured] = [Kafka.binary(event), Kafka.structured(event)]
      const { message: got } = fromBinary(carried(structured.headers), Buffer.from(structured.value), 'tasks', place)
      assert.deepEqual(fromBinary(carried(binary.headers), bytes, 'tasks', place).message, got)
      const kept = got.headers['payload-base64']
      const back = kept === undefined ? utf8(got.payload, false) : Buffer.from(kept, 'base64')
      assert.deepEqual([...back], [...bytes])
    }),
  )
})

function utf8(value: unknown, isValue = true): Uint8Array {
  return new TextEncoder().encode(isValue ? JSON.stringify(value) : String(value))
}
