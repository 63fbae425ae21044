import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import type { JsonSchema } from '../../../src/contracts/json-schema.ts'
import { refusals } from '../../../src/contracts/refused.ts'
import { shapeOf } from '../../../src/contracts/shape.ts'

/** What readers of the second schema refuse of what writers of the first write, as `kind field`. */
function told(writer: z.ZodType, reader: z.ZodType): readonly string[] {
  const [one, other] = [shapeOf(writer), shapeOf(reader)]
  assert.ok(one !== null && other !== null)
  return refusals(one.writes, other.reads).map(({ kind, field }) => `${kind} ${field}`)
}

const order = z.object({ id: z.string(), total: z.number() })
const tree = z.object({
  name: z.string(),
  get parts() {
    return z.array(tree)
  },
})

const cases: readonly (readonly [says: string, writer: z.ZodType, reader: z.ZodType, refused: readonly string[]])[] = [
  ['the same', order, order, []],
  ['a field more than the reader knows', order.extend({ note: z.string() }), order, []],
  [
    'a field more than a strict reader knows',
    order.extend({ note: z.string() }),
    z.strictObject(order.shape),
    ['undeclared note'],
  ],
  ['an optional field less', order, order.extend({ note: z.string().optional() }), []],
  ['a field less that has a default', order, order.extend({ note: z.string().default('') }), []],
  ['a required field less', order, order.extend({ note: z.string() }), ['absent note']],
  ['a field that may be missing', order.partial(), order, ['absent id', 'absent total']],
  ['another type', z.object({ a: z.string() }), z.object({ a: z.number() }), ['refused a']],
  ['a whole number for a number', z.object({ a: z.int() }), z.object({ a: z.number() }), []],
  ['a number for a whole number', z.object({ a: z.number() }), z.object({ a: z.int() }), ['refused a']],
  ['null', z.string().nullable(), z.string(), ['refused (root)']],
  ['text for text or null', z.string(), z.string().nullable(), []],
  ['anything', z.unknown(), z.string(), ['refused (root)']],
  ['text for anything', z.string(), z.unknown(), []],
  ['fewer of an enum', z.enum(['a']), z.enum(['a', 'b']), []],
  ['more of an enum', z.enum(['a', 'b']), z.enum(['a']), ['refused (root)']],
  ['an enum for text', z.enum(['a', 'b']), z.string(), []],
  ['an enum for shorter text', z.enum(['a', 'bcd']), z.string().max(2), ['refused (root)']],
  ['text for an enum', z.string(), z.enum(['a']), ['refused (root)']],
  ['an enum for the same as literals', z.enum(['a', 'b']), z.union([z.literal('a'), z.literal('b')]), []],
  ['shorter text', z.string().max(3), z.string().max(5), []],
  ['longer text', z.string().max(5), z.string().max(3), ['refused (root)']],
  ['text without a pattern', z.string(), z.string().regex(/^a/), ['refused (root)']],
  ['text with a pattern', z.string().regex(/^a/), z.string(), []],
  ['text of another format', z.string(), z.uuid(), ['refused (root)']],
  ['a greater number', z.number().max(9), z.number().max(8), ['refused (root)']],
  ['a smaller number', z.number().min(0), z.number().positive(), ['refused (root)']],
  ['numbers within', z.number().positive().max(3), z.number().min(0).max(4), []],
  ['numbers that are no multiples', z.number().multipleOf(4), z.number().multipleOf(3), ['refused (root)']],
  ['numbers that are multiples', z.number().multipleOf(4), z.number().multipleOf(2), []],
  ['a field of items', z.array(order), z.array(order.extend({ note: z.string() })), ['absent *.note']],
  ['too many items', z.array(z.string()), z.array(z.string()).max(2), ['refused (root)']],
  ['a shorter tuple', z.tuple([z.string()]), z.tuple([z.string(), z.int()]), ['refused (root)']],
  ['another item of a tuple', z.tuple([z.string(), z.string()]), z.tuple([z.string(), z.int()]), ['refused 1']],
  ['values of a record', z.record(z.string(), z.string()), z.record(z.string(), z.int()), ['refused *']],
  ['fields for a record', z.object({ a: z.int() }), z.record(z.string(), z.int()), []],
  ['a circle', tree, tree, []],
  [
    'a circle with more',
    tree,
    z.object({ name: z.string(), parts: z.array(tree.extend({ size: z.int() })) }),
    ['absent parts.*.size'],
  ],
  [
    'one alternative of several',
    z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') }), z.object({ kind: z.literal('b'), n: z.int() })]),
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('a') }),
      z.object({ kind: z.literal('b'), n: z.string() }),
    ]),
    ['refused n'],
  ],
  ['a new alternative', z.union([order, z.int()]), order, ['refused (root)']],
  ['an intersection', z.intersection(order, z.object({ note: z.string() })), order.extend({ note: z.string() }), []],
  ['less than an intersection', order, z.intersection(order, z.object({ note: z.string() })), ['absent note']],
]

for (const [says, writer, reader, refused] of cases) {
  test(`${says}: ${refused.length === 0 ? 'accepted' : refused.join(', ')}`, () => {
    assert.deepEqual(told(writer, reader), refused)
  })
}

test('what cannot be compared must be the same', () => {
  const one: JsonSchema = { type: 'object', patternProperties: { '^a': { type: 'string' } } }
  const other: JsonSchema = { type: 'object', patternProperties: { '^b': { type: 'string' } } }
  assert.deepEqual(refusals(one, one), [])
  assert.deepEqual(refusals(one, other), [{ field: '(root)', kind: 'refused' }])
  assert.deepEqual(refusals(one, { ...one, description: 'other words' }), [])
})

test('a field that is always there and not described is anything', () => {
  const writes: JsonSchema = { type: 'object', required: ['a'] }
  const reads: JsonSchema = { type: 'object', properties: { a: { type: 'string' } } }
  assert.deepEqual(refusals(writes, reads), [{ field: 'a', kind: 'refused' }])
})

test('parts that all hold are taken together', () => {
  const text: JsonSchema = { type: 'string' }
  const part = (name: string): JsonSchema => ({ type: 'object', properties: { [name]: text }, required: [name] })
  const both: JsonSchema = { allOf: [part('a'), { $ref: '#/definitions/b' }], definitions: { b: part('b') } }
  const plain: JsonSchema = { type: 'object', properties: { a: text, b: text }, required: ['a', 'b'] }
  assert.deepEqual(refusals(both, plain), [])
  assert.deepEqual(refusals(plain, both), [])
  assert.deepEqual(refusals(part('a'), both), [{ field: 'b', kind: 'absent' }])
  assert.deepEqual(refusals({ allOf: [part('a'), false] }, text), [])
})

test('a reference that leads nowhere is not taken for anything', () => {
  const lost: JsonSchema = { $ref: '#/definitions/lost' }
  assert.deepEqual(refusals({ type: 'string' }, lost), [{ field: '(root)', kind: 'refused' }])
})
