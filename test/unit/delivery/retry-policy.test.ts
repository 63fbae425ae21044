import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EstafetError, isEstafetError, rejected } from 'estafet'
import { type VirtualClock, virtualClock } from 'estafet/memory'
import { breaker } from '../../../src/delivery/breaker.ts'
import { budgetText, completeRules, nextStep, ruleFor } from '../../../src/delivery/retry-policy.ts'

const back = { firstMs: 100, maxMs: 1_000 }

test('the first rule that fits an error decides, and the standard ones come last', () => {
  const rules = completeRules(
    [
      { errors: ['CardDeclined'], immediate: 0, delayed: 0, whenDead: 'skip' },
      { errors: (error) => error instanceof RangeError, immediate: 7, delayed: 1 },
      { errors: ['ECONNREFUSED'], delayed: 50 },
    ],
    'block',
  )
  const named = (name: string, code?: string): Error =>
    Object.assign(new Error('x'), { name }, code === undefined ? {} : { code })
  assert.equal(ruleFor(rules, named('CardDeclined')).whenDead, 'skip')
  assert.equal(ruleFor(rules, new RangeError()).immediate, 7)
  assert.equal(ruleFor(rules, named('Error', 'ECONNREFUSED')).delayed, 50)
  assert.equal(ruleFor(rules, new EstafetError('CONFLICT', 'x')).delayed, 20)
  assert.deepEqual([ruleFor(rules, 'a string').immediate, ruleFor(rules, 'a string').delayed], [1, 10])
})

test('an error that says never is dead at once, also before a rule for everything', () => {
  const rules = completeRules([{ immediate: 5, delayed: 5 }], 'skip')
  for (const error of [rejected('no'), new EstafetError('INVALID_MESSAGE', 'x'), { retry: 'never' }]) {
    const rule = ruleFor(rules, error)
    assert.deepEqual([rule.immediate, nextStep(rule, 0, 0)], [0, { kind: 'dead', blocks: false }])
  }
  assert.equal(ruleFor(rules, { retry: 'later' }).immediate, 5)
})

test('the later tries are counted, wait longer each time, and end in a dead letter', () => {
  const [rule] = completeRules([{ delayed: 3, backOff: back }], 'block')
  assert.ok(rule)
  assert.deepEqual(
    [0, 1, 2, 3].map((tries) => nextStep(rule, tries, 0)),
    [
      { kind: 'retry', afterMs: 50, isCounted: true },
      { kind: 'retry', afterMs: 100, isCounted: true },
      { kind: 'retry', afterMs: 200, isCounted: true },
      { kind: 'dead', blocks: true },
    ],
  )
  assert.equal(
    budgetText(rule),
    '1 + 1 at once + 3 later within 1 s, then a dead letter and its key waits for a person',
  )
})

test('a rule with a broken number is refused', () => {
  for (const broken of [{ immediate: -1 }, { delayed: 1.5 }, { backOff: { firstMs: 5, maxMs: 1 } }]) {
    assert.throws(
      () => completeRules([broken], 'block'),
      (error) => isEstafetError(error, 'MISCONFIGURED'),
    )
  }
})

test('a test of errors that throws does not fit', () => {
  const rules = completeRules([{ errors: (error) => Reflect.get(Object(error), 'response').status === 429 }], 'block')
  assert.equal(ruleFor(rules, new Error('no response')).delayed, 10)
})

test('the breaker opens when many keys fail, not when one fails often; it goes half-open, and closes with a success', () => {
  const clock = virtualClock()
  const one = breaker(clock)
  const fail = (keys: number): void => {
    for (let key = 0; key < keys; key++) one.note(`key-${key}`, true)
  }
  for (let times = 0; times < 100; times++) one.note('same', true)
  assert.equal(one.state, 'closed')
  fail(4)
  assert.equal(one.state, 'open')
  pass(clock, 1_000)
  assert.equal(one.state, 'half-open')
  fail(4)
  assert.equal(one.state, 'half-open')
  one.note('key-5', true)
  assert.equal(one.state, 'open')
  pass(clock, 1_000)
  assert.equal(one.state, 'open')
  pass(clock, 1_000)
  assert.equal(one.state, 'half-open')
  one.note('any', false)
  assert.equal(one.state, 'closed')
  fail(5)
  pass(clock, 1_000)
  assert.equal(one.state, 'half-open')
})

test('the breaker stays closed while most succeed', () => {
  const one = breaker(virtualClock())
  for (let at = 0; at < 100; at++) one.note(`key-${at}`, at % 3 === 0)
  assert.equal(one.state, 'closed')
})

function pass(clock: VirtualClock, ms: number): void {
  void clock.sleep(ms)
  clock.next()
}
