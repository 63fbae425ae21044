import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EventType, event, type FlowOptions, flow } from 'estafet'
import * as z from 'zod'
import { CarRefused, CarReserved, RoomReserved, Trip, TripRequested } from '../../docs/choreography/trip.ts'

const of = (type: string): EventType<Record<string, never>> =>
  event(type, { version: 1, schema: z.object({}), key: () => 'k' })
const [Asked, Done] = [of('task.asked'), of('task.done')]
const fine: FlowOptions = { begins: Asked, expects: [{ after: Asked, oneOf: [Done], withinMs: 1 }], ends: [Done] }

let ids = 0
const happened = (of: { readonly type: string }, at: string) => ({ source: 's', id: `m-${++ids}`, type: of.type, at })

test('a flow that could stand still unseen is misdefined, and all its faults are told at once', () => {
  const faults = (name: string, options: Partial<FlowOptions>, ...says: readonly RegExp[]) => {
    for (const message of says) {
      assert.throws(() => flow(name, { ...fine, ...options }), { code: 'MISCONFIGURED', message })
    }
  }
  assert.deepEqual(
    flow('task', fine).events.map(({ type }) => type),
    ['task.asked', 'task.done'],
  )
  faults('Task 1', { ends: [] }, /the name "Task 1" must be/, /it stands still after task\.done: say what is expected/)
  faults('task', { expects: [] }, /it stands still after task\.asked/, /it ends with task\.done, which nothing expects/)
  faults('task', { expects: [{ after: Asked, oneOf: [], withinMs: 1 }] }, /nothing is named to follow task\.asked/)
  for (const withinMs of [0, -1, 0.5, Number.NaN, 1e15]) {
    faults('task', { expects: [{ after: Asked, oneOf: [Done], withinMs }] }, /after task\.asked withinMs must be 1 to/)
  }
  const loop = { after: Done, oneOf: [Asked], withinMs: 1 }
  faults('task', { expects: [...fine.expects, loop] }, /task\.done ends it, and yet something is expected after it/)
  faults('task', { ends: [Asked, Done] }, /it ends with task\.asked, with which it begins/)
})

test('says what is awaited, since when and until when, and nothing when it has ended', () => {
  const events = [happened(TripRequested, '2026-11-21T10:00:00.000000Z')]
  assert.deepEqual(Trip.view(events), {
    ...{ status: 'waiting', begunAt: '2026-11-21T10:00:00.000000Z', lastAt: '2026-11-21T10:00:00.000000Z' },
    dueAt: '2026-11-21T10:01:00.000Z',
    awaited: [
      {
        ...{ after: 'trip.requested', oneOf: ['hotel.room-reserved', 'hotel.room-refused'], count: 1 },
        ...{ since: '2026-11-21T10:00:00.000000Z', until: '2026-11-21T10:01:00.000Z' },
      },
    ],
  })
  events.push(happened(RoomReserved, '2026-11-21T10:00:30.000000Z'))
  assert.deepEqual(
    Trip.view(events).awaited.map(({ after, until }) => `${after} ${until}`),
    ['hotel.room-reserved 2026-11-21T10:01:30.000Z'],
  )
  assert.equal(Trip.view([...events, happened(CarRefused, '2026-11-21T10:00:31.000000Z')]).status, 'waiting')
  const { status, dueAt, awaited, lastAt } = Trip.view([
    ...events,
    happened(CarReserved, '2026-11-21T10:00:32.000000Z'),
  ])
  assert.deepEqual([status, dueAt, awaited, lastAt], ['ended', null, [], '2026-11-21T10:00:32.000000Z'])
})

test('what came before its beginning is unbegun, and not overdue, until the beginning is seen', () => {
  const early = happened(RoomReserved, '2026-11-21T10:00:01.000000Z')
  const { status, begunAt, awaited } = Trip.view([early])
  assert.deepEqual([status, begunAt, awaited.length], ['unbegun', null, 1])
  const begun = Trip.view([early, happened(TripRequested, '2026-11-21T10:00:00.000000Z')])
  assert.deepEqual([begun.status, begun.awaited.map(({ after }) => after)], ['waiting', ['hotel.room-reserved']])
})
