import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decider, type RecordedEvent, streamEvent, when } from 'estafet'
import fc from 'fast-check'
import * as z from 'zod'
import { blame, differences, eventsUntil, stateOf, valueAt } from '../../../src/event-sourcing/time-travel.ts'

const Set_ = streamEvent('FieldSet', { version: 1, schema: z.object({ name: z.string(), to: z.unknown() }) })
const Thing = decider<Readonly<Record<string, unknown>>, null>('thing', {
  ...{ initial: {}, decide: () => [] },
  evolve: [when(Set_, (state: Readonly<Record<string, unknown>>, { name, to }) => ({ ...state, [name]: to }))],
})

function event(
  streamVersion: number,
  name: string,
  to: unknown,
  time = `2026-01-0${streamVersion}T00:00:00.000Z`,
): RecordedEvent {
  return {
    ...{ id: `e-${streamVersion}`, type: 'FieldSet', version: 1, topic: 'thing', key: 't', correlationId: 'c' },
    ...{ causationId: null, traceparent: null, headers: {}, source: 's', epoch: 'e', position: BigInt(streamVersion) },
    ...{ time, streamVersion, payload: JSON.stringify({ name, to }) },
  }
}

const events = [event(1, 'a', 1), event(2, 'b', { x: [1, 2] }), event(3, 'a', 2), event(4, 'b', { x: [1, 3] })]

test('a state is seen as it was at a version, and at a time', () => {
  assert.deepEqual(stateOf(Thing, eventsUntil(events, { version: 2 })), { a: 1, b: { x: [1, 2] } })
  assert.deepEqual(stateOf(Thing, eventsUntil(events, { version: 0 })), {})
  assert.deepEqual(stateOf(Thing, eventsUntil(events, { time: '2026-01-03T12:00:00Z' })), { a: 2, b: { x: [1, 2] } })
  assert.deepEqual(eventsUntil(events, { time: '2025-01-01T00:00:00Z' }), [])
  const odd = [event(1, 'a', 1, '2026-01-02T00:00:00Z'), event(2, 'a', 2, '2026-01-01T00:00:00Z'), event(3, 'a', 3)]
  assert.equal(eventsUntil(odd, { time: '2026-01-01T12:00:00Z' }).length, 2, 'a stream is cut in its own order')
})

test('what differs is named by its path', () => {
  assert.deepEqual(differences({ a: 1, b: { x: [1, 2] } }, { b: { x: [1, 3, 4] }, 'c/d': null }), [
    { path: '/a', before: 1 },
    { path: '/b/x/1', before: 2, after: 3 },
    { path: '/b/x/2', after: 4 },
    { path: '/c~1d', after: null },
  ])
  assert.deepEqual(differences({ a: [] }, { a: {} }), [{ path: '/a', before: [], after: {} }])
  assert.deepEqual(differences({ a: 1 }, { a: 1 }), [])
})

test('the event that changed a value last is found', () => {
  assert.equal(blame(Thing, events, '/a')?.streamVersion, 3)
  assert.deepEqual(blame(Thing, events, '/b/x/1')?.change, { path: '/b/x/1', before: 2, after: 3 })
  assert.equal(blame(Thing, events, '/b/x/0')?.streamVersion, 2)
  assert.equal(blame(Thing, events, '')?.streamVersion, 4)
  assert.equal(blame(Thing, events, '/nothing'), null)
})

/** As it is read: JSON has no -0. */
const data = fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value)))

test('differences are all of them, and true', () => {
  fc.assert(
    fc.property(data, data, (before, after) => {
      const found = differences(before, after)
      for (const change of found) {
        assert.deepEqual(valueAt(before, change.path), change.before)
        assert.deepEqual(valueAt(after, change.path), change.after)
      }
      const isSame = JSON.stringify(sorted(before)) === JSON.stringify(sorted(after))
      assert.equal(found.length === 0, isSame)
    }),
  )
})

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return { of: entries.map(([name, inner]) => [name, sorted(inner)]) }
}
