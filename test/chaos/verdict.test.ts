import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Committed, type Effect, type Evidence, judge, type Operation } from './verdict.ts'

const committed: readonly Committed[] = [1, 2, 3, 4, 5, 6].map((operation) => ({
  operation,
  key: operation % 2 === 0 ? 'even' : 'odd',
  sequence: Math.ceil(operation / 2),
}))
const right: Evidence = {
  operations: [
    ...committed.map(({ operation, key }): Operation => ({ operation, key, outcome: 'ok', poison: null })),
    { operation: 7, key: 'odd', outcome: 'fail', poison: null },
    { operation: 8, key: 'even', outcome: 'unknown', poison: null },
  ],
  committed,
  effects: [...effectsOf('billing', 'placed'), ...effectsOf('stock', 'placed'), ...effectsOf('stock', 'billed')],
  setAside: [],
  told: { applied: 18, effects: 18 },
  stuck: [],
}

test('a right run has no fault', () => {
  assert.deepEqual(judge(right), [])
})

test('an unknown operation may have happened, and is then held to everything', () => {
  const eighth = { operation: 8, key: 'even', sequence: 4 }
  const found = judge({ ...right, committed: [...committed, eighth] })
  assert.deepEqual(invariants(found), ['I1 no loss', 'I1 no loss'])
})

test('a dead letter of poison, with what waits behind it, is right', () => {
  const broken = poisoned(right, 3)
  const setAside = ['billing', 'stock'].flatMap((service) => [
    { service, handler: 'placed', operation: 3, state: 'dead' as const },
    { service, handler: 'placed', operation: 5, state: 'waiting' as const },
  ])
  const effects = broken.effects.filter(({ operation }) => operation !== 3 && operation !== 5)
  assert.deepEqual(judge({ ...broken, effects, setAside }), [])
})

const wrongs: Readonly<Record<string, { readonly invariant: string; readonly evidence: Evidence }>> = {
  'a lost effect': {
    invariant: 'I1 no loss',
    evidence: { ...right, effects: right.effects.filter((each) => each.operation !== 4 || each.handler !== 'billed') },
  },
  'an answer "ok" without a commit': {
    invariant: 'I1 no loss',
    evidence: {
      ...right,
      operations: [...right.operations, { operation: 9, key: 'odd', outcome: 'ok', poison: null }],
    },
  },
  'an effect of an operation that failed': {
    invariant: 'I2 no phantom',
    evidence: {
      ...right,
      effects: [...right.effects, effect('stock', 'placed', { operation: 7, key: 'odd', sequence: 4 })],
    },
  },
  'a commit of an operation that failed': {
    invariant: 'I2 no phantom',
    evidence: { ...right, committed: [...committed, { operation: 7, key: 'odd', sequence: 4 }] },
  },
  'an effect twice': {
    invariant: 'I3 no duplicate',
    evidence: { ...right, effects: [...right.effects, ...right.effects.slice(-1)] },
  },
  'two effects of a key the wrong way round': {
    invariant: 'I4 order',
    evidence: { ...right, effects: [effectAt(2), effectAt(1), effectAt(0), ...right.effects.slice(3)] },
  },
  'something that did not drain': { invariant: 'I8 liveness', evidence: { ...right, stuck: ['a lane stands still'] } },
  'poison that was handled': { invariant: 'I9 dead letters', evidence: poisoned(right, 6) },
  'a dead letter that is no poison': {
    invariant: 'I9 dead letters',
    evidence: {
      ...right,
      effects: right.effects.filter(({ service, operation }) => service !== 'stock' || operation !== 6),
      setAside: [{ service: 'stock', handler: 'placed', operation: 6, state: 'dead' }],
    },
  },
  'a message that waits behind nothing': {
    invariant: 'I9 dead letters',
    evidence: {
      ...right,
      effects: right.effects.filter(({ service, operation }) => service !== 'stock' || operation !== 6),
      setAside: [{ service: 'stock', handler: 'placed', operation: 6, state: 'waiting' }],
    },
  },
  'a count that is not so': { invariant: 'I10 told truth', evidence: { ...right, told: { applied: 17, effects: 18 } } },
}

for (const [name, { invariant, evidence }] of Object.entries(wrongs)) {
  test(`finds ${name}`, () => {
    assert.ok(invariants(judge(evidence)).includes(invariant), JSON.stringify(judge(evidence)))
  })
}

function invariants(faults: ReturnType<typeof judge>): readonly string[] {
  return faults.map(({ invariant }) => invariant)
}

function effect(service: string, handler: string, of: Committed): Effect {
  return { ...of, service, handler, process: 'p' }
}

function effectsOf(service: string, handler: string): readonly Effect[] {
  return committed.map((row) => effect(service, handler, row))
}

function effectAt(at: number): Effect {
  const found = right.effects[at]
  assert.ok(found !== undefined)
  return found
}

function poisoned(evidence: Evidence, operation: number): Evidence {
  const operations = evidence.operations.map((each) =>
    each.operation === operation ? { ...each, poison: 'NUL' } : each,
  )
  return { ...evidence, operations }
}
