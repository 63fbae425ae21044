import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { flowTimeline } from '../../../src/cli/flow-timeline.ts'

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString()
const happened = (type: string, second: number) => ({
  ...{ source: type.split('.')[0], id: `m-${second}`, type, at: at(second) },
})
const awaited = (second: number, until: number, count = 1) => ({
  ...{ after: 'hotel.reserved', oneOf: ['car.reserved', 'car.refused'], count, since: at(second), until: at(until) },
})

test('a timeline shows what happened, and what is awaited up to now, with where it became overdue', () => {
  const flow = {
    ...{ status: 'waiting', lastAt: at(6), idleSeconds: 6, dueAt: at(9), overdueSeconds: 3 },
    events: [happened('trip.requested', 0), happened('hotel.reserved', 6)],
    awaited: [awaited(6, 9), awaited(6, 60, 2)],
  }
  const lines = [
    'AFTER  TIMELINE                    STATE     EVENT                                  SOURCE  AT                          ID',
    ' 0 ms  |*                       |  happened  trip.requested                         trip    2026-01-01T00:00:00Z        m-0',
    '  6 s  |            *           |  happened  hotel.reserved                         hotel   2026-01-01T00:00:06Z        m-6',
    '  6 s  |            ------!!!!!>|  overdue   car.reserved or car.refused            -       until 2026-01-01T00:00:09Z  -',
    '  6 s  |            ----------->|  awaited   car.reserved or car.refused (2 times)  -       until 2026-01-01T00:01:00Z  -',
  ]
  assert.equal(flowTimeline(flow, null), lines.join('\n'))
  assert.equal(flowTimeline(flow, 80), lines.map((line) => `${line.slice(0, 79)}…`).join('\n'))
})

test('nobody is late in a flow whose beginning was not seen', () => {
  const flow = {
    ...{ status: 'unbegun', lastAt: at(6), idleSeconds: 100, dueAt: at(9), overdueSeconds: 0 },
    ...{ events: [happened('hotel.reserved', 6)], awaited: [awaited(6, 9)] },
  }
  assert.doesNotMatch(flowTimeline(flow, null), /overdue|awaited|>/)
})

test('a timeline is as wide whatever the times are, and its lines are as many as what happened and is awaited', () => {
  const second = fc.integer({ min: -5, max: 100 })
  const due = fc.tuple(second, second)
  fc.assert(
    fc.property(
      fc.array(second, { minLength: 1, maxLength: 5 }),
      fc.array(due),
      second,
      fc.nat(50),
      (seconds, open, last, idle) => {
        const flow = {
          ...{ status: 'waiting', lastAt: at(last), idleSeconds: idle, dueAt: null, overdueSeconds: 0 },
          events: seconds.map((each) => happened('a.b', each)),
          awaited: open.map(([since, until]) => awaited(since, until)),
        }
        const [, ...lines] = flowTimeline(flow, null).split('\n')
        assert.equal(lines.length, seconds.length + open.length)
        for (const line of lines) assert.match(line, /\|[ *>!-]{24}\|/)
      },
    ),
  )
})
