import assert from 'node:assert/strict'
import { test } from 'node:test'
import { event, isEstafetError, type StandardSchema } from 'estafet'
import * as z from 'zod'
import { validTraceparent } from '../../../src/message/trace-context.ts'
import { uuidV7 } from '../../../src/message/uuid.ts'

const Placed = event('shop.order.placed', {
  version: 2,
  since: 2,
  schema: z.object({ id: z.string(), lines: z.array(z.object({ quantity: z.number() })) }),
  key: ({ id }) => id,
})

test('an event is a factory of validated messages, with its context as default topic', () => {
  assert.equal(Placed.topic, 'shop.order')
  const made = Placed({ id: 'A', lines: [] }, { correlationId: 'c' })
  assert.deepEqual([made.type, made.version, made.key, made.context.correlationId], ['shop.order.placed', 2, 'A', 'c'])
})

test('invalid data is refused, with every field at fault and no value', () => {
  const wrong: unknown = { id: 7, lines: [{ quantity: 'secret' }] }
  assert.throws(
    () => Reflect.apply(Placed, undefined, [wrong]),
    (error) =>
      isEstafetError(error, 'INVALID_MESSAGE') &&
      error.message.includes('id, lines.0.quantity') &&
      !error.message.includes('secret'),
  )
})

test('any Standard Schema will do, unless it answers later', () => {
  const validate = (value: unknown) => ({ value: String(value) })
  const own: StandardSchema<string> = { '~standard': { version: 1, vendor: 'own', validate } }
  assert.equal(event('a.b', { version: 1, schema: own, key: (text) => text })('x').key, 'x')
  const slow: StandardSchema<string> = {
    '~standard': { version: 1, vendor: 'own', validate: async (value) => validate(value) },
  }
  const Slow = event('a.b', { version: 1, schema: slow, key: (text) => text })
  assert.throws(
    () => Slow('x'),
    (error) => isEstafetError(error, 'MISCONFIGURED'),
  )
})

test('a bad name, topic and version are reported together', () => {
  const define = () => event('Bad', { version: 0, topic: 'no spaces', schema: z.string(), key: (text) => text })
  assert.throws(define, (error) => isEstafetError(error, 'MISCONFIGURED') && error.message.split(';').length === 3)
})

for (const key of ['', 'x'.repeat(513), 'a\u0000', '\udc00']) {
  test(`a key of ${key.length} characters that is no key is refused`, () => {
    const Keyed = event('a.b', { version: 1, schema: z.string(), key: () => key })
    assert.throws(
      () => Keyed('x'),
      (error) => isEstafetError(error, 'INVALID_MESSAGE'),
    )
  })
}

test('a UUID has version 7, its time in front, and sorts by it', () => {
  const bytes = Uint8Array.from({ length: 10 }, () => 0xff)
  const [early, late] = [uuidV7(1_700_000_000_000, bytes), uuidV7(1_700_000_000_001, bytes)]
  assert.match(early, /^018bcfe5-6800-7fff-bfff-ffffffffffff$/)
  assert.ok(early < late)
})

const ids = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']
for (const [header, isValid] of [
  [`00-${ids[0]}-${ids[1]}-01`, true],
  [`cc-${ids[0]}-${ids[1]}-01-what-the-future-will-be`, true],
  [`00-${ids[0]}-${ids[1]}-01-more`, false],
  [`ff-${ids[0]}-${ids[1]}-01`, false],
  [`00-${'0'.repeat(32)}-${ids[1]}-01`, false],
  [`00-${ids[0]}-${'0'.repeat(16)}-01`, false],
  [`00-${ids[0]?.toUpperCase()}-${ids[1]}-01`, false],
  ['', false],
] as const) {
  test(`the traceparent ${JSON.stringify(header)} is ${isValid ? 'kept' : 'dropped'}`, () => {
    assert.equal(validTraceparent(header), isValid ? header : null)
  })
}
