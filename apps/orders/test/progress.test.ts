import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differing } from '../monolith/move/differing.ts'
import { progressText } from '../monolith/move/progress.ts'

test('a stage says how far it is and how long it still takes', () => {
  assert.equal(progressText('load', 250, 1_000, 5), 'load      250/1000 25%, 5 s, 15 s left')
  assert.equal(progressText('load', 1_000, 1_000, 5), 'load      1000/1000 100%, 5 s')
})

test('rows differ by value: amounts as decimals, lists by their places, and what one of them has not', () => {
  assert.deepEqual(differing({ price: '1.50', name: 'a' }, { price: '1.5', name: 'a' }), [])
  assert.deepEqual(differing({ name: '1.50' }, { name: '1.5' }), ['name is another'])
  assert.deepEqual(differing({ price: null }, { price: '0' }), ['price is another'])
  assert.deepEqual(differing({ items: [{ price: '1' }] }, { items: [{ price: '1.01' }] }), [
    'items[0].price is another',
  ])
  assert.deepEqual(differing({ items: [1, 2] }, { items: [1] }), ['items: 1 instead of 2'])
  assert.deepEqual(differing({ a: 1 }, { a: 1, b: 2 }), ['b is another'])
})
