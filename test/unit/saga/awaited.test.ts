import assert from 'node:assert/strict'
import { test } from 'node:test'
import { whatIsAwaited } from '../../../src/saga/awaited.ts'

const row = {
  ...{ flow: 'trip', correlationId: 'c', begunAt: '2026-01-01T00:00:00.000001Z', idleSeconds: 0 },
  lastAt: '2026-01-01T00:00:01.500000Z',
}
const car = {
  ...{ after: 'room.reserved', oneOf: ['car.reserved', 'car.refused'], count: 1 },
  ...{ since: '2026-01-01T00:00:01.500000Z', until: '2026-01-01T00:01:01.500Z' },
}
const visa = { ...car, after: 'trip.requested', oneOf: ['visa.given'], count: 2, until: '2026-01-01T00:01:31.500Z' }

test('a sentence for each thing that is awaited says after what, since when, and until when', () => {
  const waiting = { ...row, status: 'waiting', awaited: [car, visa], dueAt: car.until, overdueSeconds: 0 } as const
  assert.equal(
    whatIsAwaited(waiting),
    'It waits for car.reserved or car.refused since 2026-01-01T00:00:01Z, after room.reserved; due by 2026-01-01T00:01:01Z. It waits for visa.given since 2026-01-01T00:00:01Z, after trip.requested (2 times); due by 2026-01-01T00:01:31Z.',
  )
})

test('what is overdue is so for its own time, and what is due later is not', () => {
  const waiting = { ...row, status: 'waiting', awaited: [car, visa], dueAt: car.until } as const
  const ends = (overdueSeconds: number): readonly string[] =>
    [...whatIsAwaited({ ...waiting, overdueSeconds }).matchAll(/; (overdue|due) by ([^.]+)\./g)].map(
      ([, kind, by]) => `${kind} ${by}`,
    )
  assert.deepEqual(ends(29), ['overdue 29 s', 'due 2026-01-01T00:01:31Z'])
  assert.deepEqual(ends(40), ['overdue 40 s', 'overdue 10 s'])
})

test('one at its end and one without its beginning wait for nothing', () => {
  const open = { ...row, awaited: [car], dueAt: car.until, overdueSeconds: 0 }
  assert.match(whatIsAwaited({ ...open, status: 'ended' }), /^It is at its end: /)
  assert.match(whatIsAwaited({ ...open, status: 'unbegun' }), /^Its beginning was not seen: /)
})
