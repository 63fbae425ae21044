import assert from 'node:assert/strict'
import { test } from 'node:test'
import { event, isEstafetError } from 'estafet'
import * as z from 'zod'
import { contentOf, dataOf } from '../../../src/ops/content.ts'
import { differences } from '../../../src/ops/difference.ts'
import { maskData, unmaskData } from '../../../src/ops/mask.ts'
import { rateLimiter } from '../../../src/ops/rate-limit.ts'

const data = { id: 1, customer: { email: 'e', name: 'n' }, lines: [{ price: 1 }, { price: 2, note: 'x' }] }
const mask = ['customer.email', 'lines.price', 'missing.field', 'id.deeper']

test('hides the fields that a mask names, in each item of a list, and leaves the data as it was', () => {
  const before = structuredClone(data)
  assert.deepEqual(maskData(data, mask), {
    ...{ id: 1, customer: { email: '***', name: 'n' } },
    lines: [{ price: '***' }, { price: '***', note: 'x' }],
  })
  assert.deepEqual(data, before)
  assert.equal(maskData(data, null), '***')
  assert.deepEqual(maskData([{ a: 1 }, 2, null], ['a']), [{ a: '***' }, 2, null])
})

test('hides a field also where it holds a whole object, or is inherited by nobody', () => {
  assert.deepEqual(maskData(data, ['customer']), { ...data, customer: '***' })
  assert.deepEqual(maskData({}, ['constructor', 'toString.length', '__proto__.x']), {})
  const own: unknown = JSON.parse('{"__proto__":{"pin":1}}')
  assert.doesNotMatch(JSON.stringify(maskData(own, ['__proto__.pin'])), /1/)
  assert.equal(Reflect.get({}, 'pin'), undefined)
})

test('what comes back masked keeps its value, and what was changed is changed', () => {
  const back = { ...data, customer: { email: '***', name: 'new' }, lines: [{ price: 9 }, { price: '***', note: 'x' }] }
  assert.deepEqual(unmaskData(back, data, mask), {
    ...{ id: 1, customer: { email: 'e', name: 'new' } },
    lines: [{ price: 9 }, { price: 2, note: 'x' }],
  })
  for (const lost of [{ customer: { email: '***' } }, '***']) {
    assert.throws(
      () => unmaskData(lost, undefined, lost === '***' ? null : mask),
      (error) => isEstafetError(error, 'INVALID_MESSAGE'),
    )
  }
  const more = { ...data, lines: [...data.lines, { price: '***' }] }
  assert.throws(() => unmaskData(more, data, mask), { code: 'INVALID_MESSAGE' })
})

test('an item of a list keeps what was hidden of it, and never gets what was hidden of another', () => {
  const ann = { name: 'Ann', email: 'ann@x', pin: 1 }
  const bob = { name: 'Bob', email: 'bob@x', pin: 2 }
  const original = { guests: [ann, bob] }
  const hides = ['guests.email', 'guests.pin']
  const seen = (guest: object) => ({ ...guest, email: '***', pin: '***' })
  const unmask = (guests: unknown, of: unknown = original) => unmaskData({ guests }, of, hides)
  assert.deepEqual(unmask([seen(ann), seen(bob)]), original)
  assert.deepEqual(unmask([seen(ann)]), { guests: [ann] })
  assert.deepEqual(unmask([{ ...bob, pin: 3 }, seen(bob)]), { guests: [{ ...bob, pin: 3 }, bob] })
  const moved = [
    [seen(bob)],
    [seen(bob), seen(ann)],
    [seen({ name: 'Cid' }), seen(bob)],
    [seen(ann), seen(bob), seen(bob)],
  ]
  for (const guests of moved)
    assert.throws(() => unmask(guests), { code: 'INVALID_MESSAGE', message: /no value to keep/ })

  // Two that look alike: with one of them gone nobody can say which.
  const twins = { guests: [ann, { ...ann, email: 'other@x' }, bob] }
  assert.deepEqual(unmask([seen(ann), seen(ann), seen(bob)], twins), twins)
  assert.throws(() => unmask([seen(ann)], twins), { code: 'INVALID_MESSAGE' })

  const nested = { rooms: [{ guests: [ann, bob] }] }
  const back = (guests: unknown) => unmaskData({ rooms: [{ guests }] }, nested, ['rooms.guests.email'])
  assert.deepEqual(
    back([
      { ...ann, email: '***' },
      { ...bob, email: '***' },
    ]),
    nested,
  )
  assert.throws(() => back([{ ...bob, email: '***' }]), { code: 'INVALID_MESSAGE' })
})

test('shows bytes as what they are, and hides all of what has no fields', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
  assert.deepEqual(contentOf(bytes('{"a":1}'), ['a']), {
    payload: { a: '***' },
    text: null,
    base64: null,
    masked: ['a'],
  })
  assert.deepEqual(contentOf(bytes('{"a":'), []), { payload: null, text: '{"a":', base64: null, masked: [] })
  assert.deepEqual(contentOf(Uint8Array.of(255, 0), []), { payload: null, text: null, base64: '/wA=', masked: [] })
  for (const [content, hides] of [
    ['{"a":', ['a']],
    ['{"a":1}', null],
    ['nul', null],
  ] as const) {
    const shown = contentOf(bytes(content), hides)
    assert.deepEqual(shown, { payload: '***', text: null, base64: null, masked: ['(all)'] })
  }
})

test('takes nothing for data that is nested deeper than a message may be', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
  assert.deepEqual(
    [dataOf(nested(64)) === null, dataOf(nested(65)) === null, dataOf(nested(100_000))],
    [false, true, null],
  )
  assert.deepEqual(dataOf(`"${'['.repeat(100)}\\"${'{'.repeat(100)}"`)?.value, `${'['.repeat(100)}"${'{'.repeat(100)}`)
})

test('names each field that differs, as deep as can be said', () => {
  const changed = { ...data, id: 2, lines: [{ price: 1 }], more: true }
  assert.deepEqual(differences(data, changed), [
    { field: 'id', before: 1, after: 2 },
    { field: 'lines.1', before: { price: 2, note: 'x' }, after: undefined },
    { field: 'more', before: undefined, after: true },
  ])
  assert.deepEqual(differences(data, structuredClone(data)), [])
  assert.deepEqual(differences([], {}), [{ field: '(root)', before: [], after: {} }])
  assert.deepEqual(differences({ a: null }, { a: { b: 1 } }), [{ field: 'a', before: null, after: { b: 1 } }])
})

test('a limiter gives what was earned, at most a burst, and nothing for a clock that goes back', () => {
  let now = 1_000_000
  const mayAsk = rateLimiter({ perSecond: 2, burst: 3 }, { now: () => now, sleep: async () => {} })
  const asks = (times: number) => Array.from({ length: times }, () => mayAsk('a')).filter(Boolean).length
  assert.equal(asks(5), 3)
  now += 1000
  assert.equal(asks(5), 2)
  now -= 60_000
  assert.equal(asks(5), 0)
  now += 3_600_000
  assert.equal(asks(9), 3)
})

test('an event names the fields to hide, and a misspelt path is refused', () => {
  const options = { version: 1, schema: z.object({ pin: z.string() }), key: () => 'k' }
  assert.deepEqual(event('card.made', { ...options, mask: ['pin'] }).mask, ['pin'])
  assert.deepEqual(event('card.made', options).mask, [])
  for (const wrong of ['', 'a..b', '.a']) {
    assert.throws(
      () => event('card.made', { ...options, mask: [wrong] }),
      (error) => isEstafetError(error, 'MISCONFIGURED'),
    )
  }
})
