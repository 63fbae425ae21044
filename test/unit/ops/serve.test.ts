import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEstafetError, service } from 'estafet'
import { ops } from 'estafet/ops'

test('a store without operations has no ops API, and is told so', () => {
  // As a program without types would call it.
  const options = { service: service('billing', {}), store: {}, running: {}, tokens: [] }
  assert.throws(
    () => Reflect.apply(ops, undefined, [options]),
    (error) => isEstafetError(error, 'UNSUPPORTED') && /billing has no operations/.test(error.message),
  )
})
