import assert from 'node:assert/strict'
import { test } from 'node:test'
import { validTraceparent } from '../../../src/message/trace-context.ts'
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

/** What a message has that was published with it. */
function published(traceparent: string | undefined): string | null {
  const random = { fraction: () => 0, bytes: (count: number) => new Uint8Array(count) }
  const outgoing = { type: 'a.b', version: 1, topic: 'a', key: 'k', data: {}, context: { traceparent } }
  const [message] = prepare([outgoing], { clock: { now: () => 0, sleep: async () => {} }, random })
  return message?.traceparent ?? null
}

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
