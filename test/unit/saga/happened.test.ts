import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredMessage } from 'estafet'
import { keepEvent } from '../../../src/saga/happened.ts'
import { journal } from '../../../src/saga/journal.ts'

const came = (source: string, id: string, position = 1n): StoredMessage => ({
  ...{ source, id, type: 'shop.paid', version: 1, topic: 'shop', key: 'k', payload: '{}', headers: {} },
  ...{ epoch: 'e', position, time: '2026-01-31T12:00:00Z', correlationId: 'c', causationId: null, traceparent: null },
})
const from = (kept: ReturnType<typeof journal>): readonly unknown[] =>
  kept.all().map(({ value }) => JSON.parse(value ?? 'null').message.source)

test('an event is kept once for each source that it came from, however often and whatever its id', () => {
  for (const id of ['same', 'x'.repeat(5_000), '\ud83d\ude80'.repeat(100), '']) {
    const own = journal({ steps: [] })
    for (const source of ['a', 'b', 'a', 'c', 'b', 'c', 'a']) keepEvent(own, came(source, id))
    assert.deepEqual(from(own), ['a', 'b', 'c'], JSON.stringify(id.slice(0, 9)))
    for (const { name } of own.all()) {
      assert.ok(name.length <= 200 && name.isWellFormed(), name)
    }
  }
})

test('an id that is called as the place of another is another', () => {
  const own = journal({ steps: [] })
  for (const [source, id] of [
    ['a', 'x 2'],
    ['a', 'x'],
    ['b', 'x'],
    ['b', 'x'],
    ['a', 'x 2'],
  ] as const) {
    keepEvent(own, came(source, id))
  }
  assert.equal(own.all().length, 3)
})

test('an event that was kept under its id alone is not kept again', () => {
  const own = journal({ steps: [] })
  keepEvent(own, came('a', 'id-1'))
  assert.deepEqual(
    own.all().map(({ name }) => name),
    ['~id-1'],
  )
  // Once it was sent again it has another place in the log of its source.
  keepEvent(own, came('a', 'id-1', 7n))
  assert.equal(own.all().length, 1)
})
