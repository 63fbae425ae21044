import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEstafetError } from 'estafet'
import { decodeJson, encodeJson } from '../../../src/message/json.ts'

const cycle: Record<string, unknown> = {}
cycle['self'] = cycle
const deep = (levels: number): unknown => (levels === 0 ? 'end' : { in: deep(levels - 1) })

const refused: readonly (readonly [string, unknown, string])[] = [
  ['NaN', { a: { b: Number.NaN } }, 'a.b'],
  ['infinity', [1, Number.POSITIVE_INFINITY], '[1]'],
  ['a bigint', { n: 1n }, 'n'],
  ['a function', { f: () => 1 }, 'f'],
  ['a symbol', { s: Symbol('s') }, 's'],
  ['undefined in a list', { list: [undefined] }, 'list[0]'],
  ['a map', { m: new Map() }, 'm'],
  ['a class instance', { e: new Error('x') }, 'e'],
  ['NUL', { t: 'a\u0000b' }, 't'],
  ['NUL in a field name', { 'a\u0000': 1 }, '(root)'],
  ['half a surrogate pair', { t: '\ud800' }, 't'],
  ['a field named __proto__', JSON.parse('{"in": {"__proto__": 1}}'), 'in'],
  ['undefined itself', undefined, '(root)'],
]

for (const [what, data, field] of refused) {
  test(`refuses ${what}, naming the field`, () => {
    assert.throws(
      () => encodeJson(data),
      (error) => isEstafetError(error, 'UNENCODABLE') && error.details['field'] === field,
    )
  })
}

test('refuses cycles and nesting beyond 64, and takes 64', () => {
  assert.throws(
    () => encodeJson(cycle),
    (error) => isEstafetError(error, 'UNENCODABLE'),
  )
  assert.throws(
    () => encodeJson(deep(65)),
    (error) => isEstafetError(error, 'UNENCODABLE'),
  )
  assert.deepEqual(decodeJson(encodeJson(deep(63))), deep(63))
})

test('leaves out undefined fields, and asks objects how they are written', () => {
  assert.equal(encodeJson({ a: 1, b: undefined, at: new Date(0) }), '{"a":1,"at":"1970-01-01T00:00:00.000Z"}')
})

test('says that stored text is not JSON without quoting it', () => {
  assert.throws(
    () => decodeJson('secret {'),
    (error) => isEstafetError(error, 'UNDECODABLE') && !error.message.includes('secret') && error.cause === undefined,
  )
})
