import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeCheck } from '../../../src/cli/commands/doctor.ts'
import { clockCheck, flowsChecks, parkingCheck, sagasChecks, versionChecks } from '../../../src/cli/doctor-services.ts'

test('Node must be the oldest supported one or later', () => {
  const states = ['18.20.0', '22.17.9', '22.18.0', '22.19.1', '23.0.0', '24.21.0'].map(
    (version) => nodeCheck(version).state,
  )
  assert.deepEqual(states, ['fail', 'fail', 'ok', 'ok', 'ok', 'ok'])
})

test('clocks that differ by more than can be a matter of rounding and travel are told', () => {
  const state = (aheadMs: number, exactMs: number): string =>
    clockCheck({ service: 'a', clock: { aheadMs, exactMs } }).state
  assert.deepEqual([state(0, 500), state(2400, 500), state(-2400, 500)], ['ok', 'ok', 'ok'])
  assert.deepEqual([state(2600, 500), state(-2600, 500)], ['warn', 'warn'])
  assert.equal(state(5000, 4000), 'ok')
  assert.match(clockCheck({ service: 'a', clock: { aheadMs: -60_000, exactMs: 500 } }).says, /1 min behind/)
})

test('processes of one service that run different versions are told, and a single one is not asked', () => {
  const one = (service: string, version: string) => ({ service, version })
  assert.deepEqual(versionChecks([one('a', '1'), one('b', '2')]), [])
  const checks = versionChecks([one('a', '1'), one('a', '1'), one('b', '2'), one('b', '1')])
  assert.deepEqual(
    checks.map(({ of, state }) => [of, state]),
    [
      ['a', 'ok'],
      ['b', 'warn'],
    ],
  )
})

test('parked keys and messages are told before the limits at which the subscription pauses', () => {
  const state = (parkedKeys: number, parkedMessages: number): string =>
    parkingCheck({ service: 'a', parkedKeys, parkedMessages }).state
  assert.deepEqual([state(0, 0), state(799, 7999)], ['ok', 'ok'])
  assert.deepEqual([state(800, 0), state(0, 8000), state(1000, 10_000)], ['warn', 'warn', 'warn'])
  assert.deepEqual([state(1001, 0), state(0, 10_001)], ['fail', 'fail'])
})

test('sagas that are stuck fail, with their number, their age, the first of them and what to type', () => {
  const of = (stuck: number, ...first: readonly string[]) => ({
    service: 'a',
    sagas: { stuck, seconds: 3700, first },
  })
  assert.deepEqual(sagasChecks({ service: 'a', sagas: null }), [])
  assert.deepEqual(
    sagasChecks(of(0)).map(({ state }) => state),
    ['ok'],
  )
  const [check] = sagasChecks(of(4, 'trip of $you', 'b', 'c'))
  assert.deepEqual(
    [check?.state, check?.says, check?.fix],
    [
      'fail',
      '4 stuck, the longest for 1 h 1 min: trip of $you, b, c, ...',
      "estafet sagas show 'trip of $you' --service a says why; estafet sagas list --stuck --service a lists them.",
    ],
  )
})

test('flows that are overdue are a warning, with their number, the first of them, for how long, and what to type', () => {
  const late = (correlationId: string, seconds: number) => ({ flow: 'trip', correlationId, seconds })
  const of = (overdue: number, ...first: readonly ReturnType<typeof late>[]) => ({
    service: 'a',
    flows: { overdue, first },
  })
  assert.deepEqual(flowsChecks({ service: 'a', flows: null }), [])
  // Between two questions they went on.
  for (const none of [of(0), of(2)]) assert.deepEqual(flowsChecks(none)[0]?.state, 'ok')
  const [check] = flowsChecks(of(3, late('of $you', 3700), late('b', 0)))
  assert.deepEqual(
    [check?.state, check?.says, check?.fix],
    [
      'warn',
      '3 overdue: trip of $you by 1 h 1 min, trip b by less than 1 s, ...',
      "estafet flows show trip 'of $you' --service a says after what; estafet flows list --overdue --service a lists them.",
    ],
  )
})
