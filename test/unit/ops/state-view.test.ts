import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { differences, valueAt } from '../../../src/event-sourcing/time-travel.ts'
import { maskData } from '../../../src/ops/mask.ts'
import { type StateView, stateView } from '../../../src/ops/state-view.ts'

const before = { owner: { pin: 1, name: 'a' }, items: [{ id: 'x', price: 5 }], by: { 'ada@example.org': 1 } }
const after = {
  owner: { pin: 2, name: 'a' },
  items: [
    { id: 'y', price: 5 },
    { id: 'z', price: 7 },
  ],
  by: { 'ada@example.org': 1, 'eve@example.org': 1 },
}

function changeOf(view: StateView, path: string, old: unknown, now: unknown): unknown {
  const place = view.changedPlace(path, old, now)
  return place === null ? null : view.changeAt(place, old, now)
}

test('without a mask it tells what differs, and nothing is hidden', () => {
  const json = fc.jsonValue({ maxDepth: 3 })
  fc.assert(
    fc.property(json, json, (old, now) => {
      const [one, two] = [JSON.parse(JSON.stringify(old)), JSON.parse(JSON.stringify(now))]
      assert.deepEqual(stateView([]).differences(old, now), differences(one, two))
      assert.deepEqual(stateView([]).shown(old), one)
    }),
  )
})

test('nothing of a hidden value is in what is shown, and its changes are seen', () => {
  const view = stateView(['owner.pin', 'items.price', 'by'])
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
  assert.deepEqual(changeOf(view, '/by/nobody@example.org', before, after), {
    path: '/by',
    before: '***',
    after: '***',
  })
  assert.deepEqual(changeOf(view, '/items/1/price', before, after), { path: '/items/1/price', after: '***' })
  assert.equal(changeOf(view, '/items/0/price', before, after), null)
  assert.equal(changeOf(view, '/owner/name', before, after), null)
})

test('what is hidden of each item of a list is told of the item', () => {
  const listOf = (pin: number): object => ({ items: [[{ owner: { pin } }]] })
  const view = stateView(['items.owner'])
  const told = { path: '/items/0/0/owner', before: '***', after: '***' }
  assert.deepEqual(view.differences(listOf(1), listOf(2)), [told])
  assert.deepEqual(changeOf(view, '/items/0/0/owner/pin', listOf(1), listOf(2)), told)
})

test('with everything hidden only that it changed is told', () => {
  const view = stateView(null)
  assert.deepEqual(
    [view.shown(before), view.differences(before, after), view.differences(after, { ...after })],
    ['***', [{ path: '', before: '***', after: '***' }], []],
  )
  assert.deepEqual(changeOf(view, '/owner/name', before, after), { path: '', before: '***', after: '***' })
})

test('what no JSON knows is hidden and compared as it would be shown', () => {
  class Box {
    readonly #pin = 4321
    toJSON(): object {
      return { pin: this.#pin, large: 10n }
    }
  }
  const view = stateView(['box.pin'])
  assert.deepEqual(view.shown({ box: new Box() }), { box: { pin: '***', large: '10' } })
  assert.deepEqual(changeOf(stateView([]), '/box', { box: 1n }, { box: 2n }), {
    path: '/box',
    ...{ before: '1', after: '2' },
  })
  assert.equal(stateView([]).shown(undefined), undefined)
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
  for (const mask of [[], ['other'], ['part'], null]) changeOf(stateView(mask), '/part', { part }, { part })
  assert.equal(looks, 0)
})

test('whatever the states and the mask, no hidden text is told, and no name within a hidden value', () => {
  const name = fc.constantFrom('a', 'b', '0', 'x/y')
  const leaf = fc.oneof(fc.constant('SECRET'), fc.constant('SECRET-2'), fc.integer(), fc.constant(null))
  const { state } = fc.letrec((tie) => ({
    state: fc.oneof(
      { maxDepth: 4 },
      { weight: 1, arbitrary: leaf },
      { weight: 3, arbitrary: fc.dictionary(name, tie('state'), { maxKeys: 3, noNullPrototype: true }) },
      { weight: 1, arbitrary: fc.array(tie('state'), { maxLength: 3 }) },
    ),
  }))
  const mask = fc.uniqueArray(
    fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('.')),
    {
      maxLength: 3,
    },
  )
  const path = fc
    .array(name, { maxLength: 5 })
    .map((names) => names.map((each) => `/${each.replace('/', '~1')}`).join(''))
  let hidden = 0
  fc.assert(
    fc.property(state, state, mask, path, (old, now, fields, asked) => {
      const view = stateView(fields)
      const [one, two] = [maskData(old, fields), maskData(now, fields)]
      for (const change of [...view.differences(old, now), changeOf(view, asked, old, now)]) {
        if (change === null) continue
        assert.ok(typeof change === 'object' && change !== null && 'path' in change && typeof change.path === 'string')
        // All that is told stands in what is shown of the states: a path into a hidden value would lead nowhere.
        const [before, after] = [valueAt(one, change.path), valueAt(two, change.path)]
        assert.deepEqual(change, {
          path: change.path,
          ...(before === undefined ? {} : { before }),
          ...(after === undefined ? {} : { after }),
        })
        assert.ok(before !== undefined || after !== undefined, change.path)
        if (before === '***' || after === '***') hidden += 1
      }
      assert.equal(
        stateView([]).changedPlace(asked, old, now) === null,
        differences(valueAt(old, asked), valueAt(now, asked)).length === 0,
      )
      // Nothing that changed in what is shown is left out.
      const places = new Set(view.differences(old, now).map((each) => each.path))
      for (const each of differences(one, two))
        assert.ok(
          [...places].some((place) => each.path === place || each.path.startsWith(`${place}/`)),
          each.path,
        )
    }),
    { numRuns: 2000 },
  )
  assert.ok(hidden > 0)
})
