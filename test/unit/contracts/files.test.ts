import assert from 'node:assert/strict'
import { test } from 'node:test'
import { event, isEstafetError, service } from 'estafet'
import * as z from 'zod'
import { jsonText } from '../../../src/contracts/text.ts'
import { committedOf, contractFiles, contracts, generated, outdatedFiles } from '../../../src/contracts.ts'

const none = { contracts: [], samples: [] }
const of = (...fields: readonly ('a' | 'b')[]) => {
  const schema = z.object(Object.fromEntries(fields.map((field) => [field, z.string()])))
  const Placed = event('order.placed', { version: 1, schema, key: () => 'k' })
  const data = Object.fromEntries(fields.map((field) => [field, 'x']))
  return contracts([
    { service: service<unknown>('orders', { publishes: [Placed] }), examples: [Placed(data)] },
    service<unknown>('billing', {}),
  ])
}

test('what is written is read as what it was', () => {
  const files = contractFiles(of('a'), none)
  assert.deepEqual(committedOf(files), generated(of('a'), none))
  assert.deepEqual(contractFiles(of('a'), committedOf(files)), files)
})

test('the order in which fields are declared changes no file', () => {
  assert.deepEqual(contractFiles(of('a', 'b'), none), contractFiles(of('b', 'a'), none))
})

test('files are outdated when they are missing, differ or are of nothing, and not by how they are laid out', () => {
  const wanted = contractFiles(of('a'), none)
  assert.deepEqual(outdatedFiles(wanted, wanted), [])
  const laidOut = new Map([...wanted].map(([path, text]) => [path, JSON.stringify(JSON.parse(text))]))
  assert.deepEqual(outdatedFiles(wanted, laidOut), [])
  const left = ['orders.json', 'gone.json', 'gone.asyncapi.json', 'of-others.asyncapi.json', 'README.md']
  const others = new Map([...wanted, ...left.map((path): [string, string] => [path, '{}'])])
  others.delete('billing.json')
  assert.deepEqual(outdatedFiles(wanted, others), ['billing.json', 'gone.asyncapi.json', 'gone.json', 'orders.json'])
})

const contract = { contract: 1, service: 'a', publishes: {}, keeps: {}, handles: {} }
const event1 = { topic: 'a', version: 1, since: 1, versions: {} }
const sample = { service: 'a', type: 'a.b', version: 1, key: 'k', data: 'secret' }
const unreadable: readonly (readonly [path: string, content: unknown])[] = [
  ['a.json', []],
  ['a.json', { ...contract, contract: 2 }],
  ['a.json', { ...contract, service: 1 }],
  ['a.json', { ...contract, publishes: [] }],
  ['a.json', { ...contract, publishes: { 'a.b': { ...event1, version: '1' } } }],
  ['a.json', { ...contract, publishes: { 'a.b': { ...event1, topic: 1 } } }],
  ['a.json', { ...contract, publishes: { 'a.b': { ...event1, versions: { 1: 'x' } } } }],
  ['a.json', { ...contract, handles: { 'a.b': {} } }],
  ['a.json', { ...contract, handles: { 'a.b': [1] } }],
  ['a/a.b.v1.json', { ...sample, key: 1 }],
  ['a/a.b.v1.json', { ...sample, version: 1.5 }],
]

test('a file that is none of ours is refused by its name, and nothing of it is quoted', () => {
  committedOf(new Map([['a.json', JSON.stringify({ ...contract, publishes: { 'a.b': event1 } })]]))
  committedOf(new Map([['a/a.b.v1.json', JSON.stringify(sample)]]))
  const texts = unreadable.map(([path, content]) => [path, JSON.stringify(content)] as const)
  for (const [path, text] of [...texts, ['a.json', 'secret {'] as const]) {
    assert.throws(
      () => committedOf(new Map([[path, text]])),
      (error) => {
        assert.ok(isEstafetError(error, 'MISCONFIGURED'))
        assert.ok(error.message.startsWith(`${path} `))
        assert.doesNotMatch(error.message, /secret/)
        return true
      },
    )
  }
})

test('JSON text is read as what it was, and lists that fit stand on one line', () => {
  const value = { b: ['x', 'y'], a: [{ c: [] }, {}], long: Array.from({ length: 40 }, (_, at) => `item ${at}`) }
  const text = jsonText(value)
  assert.deepEqual(JSON.parse(text), value)
  assert.match(text, /^ {2}"b": \["x", "y"\],$/m)
  assert.ok(text.split('\n').every((line) => line.length <= 120))
  assert.equal(jsonText({ a: value.a, long: value.long, b: value.b }), text)
})
