import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EstafetError, rejected, type StoredMessage } from 'estafet'
import { errorFacts, errorPlace } from '../../../src/delivery/failure.ts'

function message(payload: string): StoredMessage {
  return {
    ...{ id: '1', type: 'a.b', version: 1, topic: 'a', key: 'k', correlationId: '1', causationId: null },
    ...{ traceparent: null, headers: {}, payload, source: 's', epoch: 'e', position: 1n, time: '' },
  }
}

const order = message('{"customer":{"email":"ana@example.org"},"amounts":[12345.5,"7.00"],"ok":true}')
const textOf = (error: unknown, of = order): string => errorFacts(error, of, 'h').errorMessage

test('nothing of the payload stands in what is kept of an error', () => {
  assert.equal(textOf(new Error('no account for ana@example.org with 12345.5')), 'no account for … with …')
  assert.equal(textOf('thrown ana@example.org'), 'thrown …')
  assert.equal(textOf(new Error('got secret-token'), message('secret-token, not JSON')), 'got …-…')
})

test('names of a map, words of a text, JSON-escaped forms and reasons of a rejection are content, too', () => {
  const shares = message('{"shares":{"ana@example.org":1},"note":"diary of Annabel","line":"a\\nb \\"quoted\\" text"}')
  assert.equal(textOf(new Error('ana@example.org has no share'), shares), '… has no share')
  assert.equal(textOf(new Error('who is Annabel?'), shares), 'who is …?')
  assert.equal(textOf(new Error('bad line a\\nb \\"quoted\\" text!'), shares), 'bad line …!')
  assert.equal(textOf(rejected('Annabel may not'), shares), '… may not')
  assert.equal(
    textOf(
      new Error('too many to look for'),
      message(JSON.stringify(Array.from({ length: 3_000 }, (_, at) => `value-${at}`))),
    ),
    '',
  )
})

test('whatever is thrown has a name, and content in its parts is not kept', () => {
  const odd = (parts: object): string => {
    const { errorName, errorMessage, stack } = errorFacts(Object.assign(new Error('x'), parts), order, 'h')
    return [errorName, errorMessage, stack].join(' ')
  }
  assert.ok(!odd({ code: 'NO_ACCOUNT DE00SECRET' }).includes('SECRET'))
  assert.ok(!odd({ name: 'Secret Name' }).includes('Secret'))
  assert.match(odd({ message: ['a list'] }), /^Error /)
  assert.match(odd({ stack: 7 }), /^Error x $/)
  assert.match(odd({ name: null, code: 5 }), /^Error x/)
  const framed = errorFacts(new Error('x\n    at secret-diary (a.ts:1:1)'), order, 'h')
  assert.ok(!framed.stack.includes('secret') && framed.stack.includes('failure.test.ts'))
  for (const thrown of [undefined, null, 7, {}, [], 'text']) assert.equal(errorFacts(thrown, order, 'h').stack, '')
})

test('a login in an address is taken out, long texts are cut, lines are joined', () => {
  assert.equal(textOf(new Error('postgres://me:pw@host/db is down')), 'postgres://…@host/db is down')
  assert.equal(textOf(new Error('x'.repeat(5_000))).length, 500)
  assert.equal(textOf(new Error('a\n  b')), 'a b')
})

test('of a database error only its state and names are kept', () => {
  const error = Object.assign(new Error('Failing row contains (7, ana)'), {
    ...{ code: '23505', constraint: 'account_pkey', table: 'account', detail: 'Key (id)=(7) already exists.' },
  })
  assert.equal(textOf(error), 'SQLSTATE 23505, constraint account_pkey, table account')
})

test('a payload too large or nested too deep is no trouble', () => {
  assert.equal(textOf(new Error('quotes it'), message(`"${'y'.repeat(300_000)}"`)), '')
  assert.equal(textOf(new Error('too deep'), message(`${'['.repeat(10_000)}${']'.repeat(10_000)}`)), 'too deep')
  assert.equal(textOf(new Error('wide'), message(JSON.stringify(Array.from({ length: 40_000 }, () => ({}))))), 'wide')
})

test('the same fault has one fingerprint, whatever the numbers; another place or handler another', () => {
  const fail = (id: number): Error => new Error(`row ${id} is missing`)
  const [first, second] = [errorFacts(fail(1), order, 'h'), errorFacts(fail(22), order, 'h')]
  assert.equal(first.fingerprint, second.fingerprint)
  assert.match(first.fingerprint, /^[0-9a-f]{16}$/)
  assert.notEqual(errorFacts(fail(1), order, 'other').fingerprint, first.fingerprint)
  assert.notEqual(errorFacts(new TypeError('row 1 is missing'), order, 'h').fingerprint, first.fingerprint)
})

test('the stack is kept without the text, and names its place', () => {
  const { stack } = errorFacts(new Error('ana@example.org'), order, 'h')
  assert.ok(!stack.includes('ana') && stack.includes('failure.test.ts'))
  assert.match(errorPlace(new Error('x')) ?? '', /failure\.test\.ts/)
  assert.equal(errorPlace('x'), undefined)
  assert.equal(errorFacts(new EstafetError('GAP', 'says this'), order, 'h').errorMessage, 'says this')
})
