import assert from 'node:assert/strict'
import { test } from 'node:test'
import { validTraceparent, validTracestate } from '../../../src/message/trace-context.ts'
import { prepare } from '../../../src/outbox/prepare.ts'
import { fromBinary, toBinary } from '../../../src/wire/binary.ts'
import { fromStructured, toStructured } from '../../../src/wire/structured.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const parent = '00f067aa0ba902b7'

// The header cases of the W3C harness (w3c/trace-context, test), with the two versions that it knows.
const valid = [
  `00-${trace}-${parent}-01`,
  `00-${trace}-${parent}-00`,
  `cc-${trace}-${parent}-01`,
  `cc-${trace}-${parent}-01-what-the-future-will-be-like`,
]
const invalid = {
  'nothing at all': ['', ' '],
  'a version that is none': [`ff-${trace}-${parent}-01`, `0.-${trace}-${parent}-01`, `.0-${trace}-${parent}-01`],
  'a version too long or too short': [`000-${trace}-${parent}-01`, `0-${trace}-${parent}-01`],
  'more behind version 00': [
    `00-${trace}-${parent}-01-more`,
    `00-${trace}-${parent}-01.more`,
    `00-${trace}-${parent}-01-`,
  ],
  'more behind a future version, without a dash': [`cc-${trace}-${parent}-01.more`, `cc-${trace}-${parent}-01x`],
  'a trace id of zeros': [`00-${'0'.repeat(32)}-${parent}-01`],
  'a trace id with other characters': [
    `00-${trace.replace('4', 'A')}-${parent}-01`,
    `00-.${trace.slice(1)}-${parent}-01`,
  ],
  'a trace id too long or too short': [`00-${trace}0-${parent}-01`, `00-${trace.slice(1)}-${parent}-01`],
  'a parent id of zeros': [`00-${trace}-${'0'.repeat(16)}-01`],
  'a parent id with other characters': [
    `00-${trace}-${parent.replace('f', 'F')}-01`,
    `00-${trace}-.${parent.slice(1)}-01`,
  ],
  'a parent id too long or too short': [`00-${trace}-${parent}0-01`, `00-${trace}-${parent.slice(1)}-01`],
  'flags with other characters': [`00-${trace}-${parent}-.0`, `00-${trace}-${parent}-0.`, `00-${trace}-${parent}-0A`],
  'flags too long or too short': [`00-${trace}-${parent}-001`, `00-${trace}-${parent}-1`],
  'two of them': [`00-${trace}-${parent}-01,00-${trace}-${parent}-00`],
}

/** What a message has that was published with these. */
function publishedWith(traceparent: string | undefined, headers: Readonly<Record<string, string>> = {}) {
  const random = { fraction: () => 0, bytes: (count: number) => new Uint8Array(count) }
  const outgoing = { type: 'a.b', version: 1, topic: 'a', key: 'k', data: {}, context: { traceparent, headers } }
  const [message] = prepare([outgoing], { clock: { now: () => 0, sleep: async () => {} }, random })
  assert.ok(message)
  return message
}

const published = (traceparent: string | undefined): string | null => publishedWith(traceparent).traceparent

for (const header of valid) {
  test(`the traceparent ${header.slice(0, 2)}…${header.slice(52)} is carried as it is, through both modes`, () => {
    assert.equal(validTraceparent(header), header)
    const message = {
      ...{ id: 'i', type: 'a.b', version: 1, topic: 'work', key: 'k', source: 's', epoch: 'e', time: 't' },
      ...{ correlationId: 'c', causationId: null, headers: {}, position: 7n, payload: '1' },
      traceparent: published(header),
    }
    const relayed = { message, partition: 0, previous: 0n }
    const { headers, value } = toBinary(relayed)
    assert.equal(headers['ce_traceparent'], header)
    const place = { partition: 0, offset: 0n }
    assert.equal(fromBinary(headers, value, 'work', place).message.traceparent, header)
    assert.equal(fromStructured(toStructured(relayed), 'work', place).message.traceparent, header)
  })
}

for (const [what, headers] of Object.entries(invalid)) {
  test(`a traceparent with ${what} is dropped`, () => {
    for (const header of headers) assert.deepEqual([validTraceparent(header), published(header)], [null, null], header)
  })
}

test('a message without a traceparent has none', () => {
  assert.deepEqual([validTraceparent(null), validTraceparent(undefined), published(undefined)], [null, null, null])
})

const states = (count: number): string => Array.from({ length: count }, (_, at) => `k${at}=v`).join(',')
const allowed = 'abcdefghijklmnopqrstuvwxyz0123456789_-*/'
const printable = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).join('')

const validStates: Readonly<Record<string, readonly [header: string, carried: string]>> = {
  'one member': ['foo=1', 'foo=1'],
  'members with white space around them, and empty ones': ['foo=1 \t, \tbar=2,,  ,baz=3 ', 'foo=1,bar=2,baz=3'],
  'all characters that a key may have': [`${allowed}=1,0${allowed}@${'a-z'}=2`, `${allowed}=1,0${allowed}@a-z=2`],
  'all characters that a value may have': [
    `foo=${printable.replaceAll(/[,=]/g, '')}`,
    `foo=${printable.replaceAll(/[,=]/g, '')}`,
  ],
  'as many members as there may be': [states(32), states(32)],
  'the longest keys': [
    `${'z'.repeat(256)}=1,${'t'.repeat(241)}@${'v'.repeat(14)}=1`,
    `${'z'.repeat(256)}=1,${'t'.repeat(241)}@${'v'.repeat(14)}=1`,
  ],
}
const invalidStates: Readonly<Record<string, readonly string[]>> = {
  nothing: ['', ' ', ',', ' , ,'],
  'no value': ['foo', 'foo=', 'foo=1,bar'],
  'keys with other characters': ['foo =1', 'FOO=1', 'foo.bar=1', '1foo=1', '_foo=1'],
  'keys of vendors that are none': ['foo@=1', '@foo=1', 'foo@@bar=1', 'foo@bar@baz=1', 'foo@1=1'],
  'keys too long': [`${'z'.repeat(257)}=1`, `${'t'.repeat(242)}@v=1`, `t@${'v'.repeat(15)}=1`],
  'values with other characters': ['foo=bar=baz', 'foo=b\u0001', 'foo=é'],
  'values too long': [`foo=${'v'.repeat(257)}`],
  'too many members': [states(33)],
}

for (const [what, [header, carried]] of Object.entries(validStates)) {
  test(`a tracestate with ${what} is carried, through both modes, where readers of CloudEvents find it`, () => {
    assert.equal(validTracestate(header), carried)
    const { headers: own, traceparent } = publishedWith(valid[0], { tenant: 't', tracestate: header })
    const message = {
      ...{ id: 'i', type: 'a.b', version: 1, topic: 'work', key: 'k', source: 's', epoch: 'e', time: 't' },
      ...{ correlationId: 'c', causationId: null, headers: own, traceparent, position: 7n, payload: '1' },
    }
    const relayed = { message, partition: 0, previous: 0n }
    const { headers, value } = toBinary(relayed)
    assert.deepEqual([headers['ce_tracestate'], headers['ce_headers']], [carried, '{"tenant":"t"}'])
    const place = { partition: 0, offset: 0n }
    for (const back of [
      fromBinary(headers, value, 'work', place),
      fromStructured(toStructured(relayed), 'work', place),
    ]) {
      assert.deepEqual(back.message.headers, { tenant: 't', tracestate: carried })
    }
  })
}

for (const [what, headers] of Object.entries(invalidStates)) {
  test(`a tracestate with ${what} is dropped, and its traceparent is not`, () => {
    for (const tracestate of headers) {
      assert.equal(validTracestate(tracestate), null, tracestate)
    }
    for (const tracestate of headers.filter((each) => each.length < 4096)) {
      const { traceparent, headers: carried } = publishedWith(valid[0], { tracestate, tenant: 't' })
      assert.deepEqual([traceparent, carried], [valid[0], { tenant: 't' }], tracestate)
    }
  })
}

test('a tracestate without a traceparent that is valid is dropped', () => {
  for (const traceparent of [undefined, 'nonsense']) {
    assert.deepEqual(publishedWith(traceparent, { tracestate: 'foo=1' }).headers, {})
  }
  assert.deepEqual([validTracestate(null), validTracestate(undefined)], [null, null])
})
