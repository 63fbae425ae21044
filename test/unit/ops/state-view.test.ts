import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { differences, valueAt } from '../../../src/event-sourcing/time-travel.ts'
import { stateView } from '../../../src/ops/state-view.ts'

const salt = 'salt-of-this-test:'
const before = { owner: { pin: 1, name: 'a' }, items: [{ id: 'x', price: 5 }], by: { 'ada@example.org': 1 } }
const after = {
  owner: { pin: 2, name: 'a' },
  items: [
    { id: 'y', price: 5 },
    { id: 'z', price: 7 },
  ],
  by: { 'ada@example.org': 1, 'eve@example.org': 1 },
}

test('without a mask it tells what differs, and nothing is hidden', () => {
  const json = fc.jsonValue({ maxDepth: 3 })
  fc.assert(
    fc.property(json, json, (old, now) => {
      const [one, two] = [JSON.parse(JSON.stringify(old)), JSON.parse(JSON.stringify(now))]
      assert.deepEqual(stateView([], salt).differences(old, now), differences(one, two))
      assert.deepEqual(stateView([], salt).shown(old), one)
    }),
  )
})

test('nothing of a hidden value is in what is shown, and its changes are seen', () => {
  const view = stateView(['owner.pin', 'items.price', 'by'], salt)
  assert.deepEqual(view.shown(after), {
    owner: { pin: '***', name: 'a' },
    items: [
      { id: 'y', price: '***' },
      { id: 'z', price: '***' },
    ],
    by: '***',
  })
  assert.deepEqual(view.differences(before, after), [
    { path: '/owner/pin', before: '***', after: '***' },
    { path: '/items/0/id', before: 'x', after: 'y' },
    { path: '/items/1', after: { id: 'z', price: '***' } },
    { path: '/by', before: '***', after: '***' },
  ])
  assert.deepEqual(view.changeAt('/by/nobody@example.org', before, after), {
    path: '/by',
    before: '***',
    after: '***',
  })
  assert.deepEqual(view.changeAt('/items/1/price', before, after), { path: '/items/1/price', after: '***' })
  assert.equal(view.changeAt('/items/0/price', before, after), null)
  assert.equal(view.changeAt('/owner/name', before, after), null)
})

test('with everything hidden only that it changed is told', () => {
  const view = stateView(null, salt)
  assert.deepEqual(
    [view.shown(before), view.differences(before, after), view.differences(after, { ...after })],
    ['***', [{ path: '', before: '***', after: '***' }], []],
  )
  assert.deepEqual(view.changeAt('/owner/name', before, after), { path: '', before: '***', after: '***' })
})

test('what no JSON knows is hidden and compared as it would be shown', () => {
  class Box {
    readonly #pin = 4321
    toJSON(): object {
      return { pin: this.#pin, large: 10n }
    }
  }
  const view = stateView(['box.pin'], salt)
  assert.deepEqual(view.shown({ box: new Box() }), { box: { pin: '***', large: '10' } })
  assert.deepEqual(stateView([], salt).changeAt('/box', { box: 1n }, { box: 2n }), {
    path: '/box',
    ...{ before: '1', after: '2' },
  })
  assert.equal(stateView([], salt).shown(undefined), undefined)
  assert.equal(valueAt(view.shown({}), '/box'), undefined)
})

test('what evolve left as it was is not looked into again', () => {
  let looks = 0
  const part = Object.defineProperty({}, 'costly', {
    enumerable: true,
    get() {
      looks += 1
      return 1
    },
  })
  for (const mask of [[], ['other'], ['part']])
    stateView(mask, salt).changeAt('/part/costly', { part }, { part, other: 1 })
  assert.equal(looks, 0)
})
